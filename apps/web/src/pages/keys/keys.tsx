// The keys that are valid, each with what it may do; one is made, told once, replaced, and revoked by its name.
import type { CreatedKey, KeyResource } from '@errata/contracts';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { errata } from '../../api/client.ts';
import { usePages } from '../../api/pages.ts';
import { useSession } from '../../api/session.ts';
import { Confirm } from '../../parts/confirm.tsx';
import { KeyLife } from '../../parts/key-life.tsx';
import { More } from '../../parts/more.tsx';
import { Problem } from '../../parts/problem.tsx';
import { UpkeepTabs } from '../../parts/upkeep-tabs.tsx';
import { MadeKey } from './made-key.tsx';
import { NewKey } from './new-key.tsx';
import { RotateKey } from './rotate-key.tsx';

export function Keys() {
  const { may } = useSession();
  return (
    <div className="stack">
      <h1>Keys</h1>
      <UpkeepTabs />
      {may('admin') ? <Valid /> : <p className="soft">To see and to make keys takes one with the scope admin.</p>}
    </div>
  );
}

function Valid() {
  const [made, setMade] = useState<CreatedKey | null>(null);
  const { found, items: keys } = usePages(['keys'], () => errata.keys.list({ limit: 50 }));
  return (
    <>
      <Problem error={found.error} />
      {keys.length > 0 && (
        <ul className="card plain stack" aria-label="Keys">
          {keys.map((key) => (
            <Key key={key.id} of={key} onMade={setMade} />
          ))}
        </ul>
      )}
      <More of={found}>More keys</More>
      <NewKey />
      {made !== null && <MadeKey of={made} onClose={() => setMade(null)} />}
    </>
  );
}

interface KeyProps {
  readonly of: KeyResource;
  /** Its successor was made; the key itself may be gone by then. */
  readonly onMade: (key: CreatedKey) => void;
}

function Key({ of, onMade }: KeyProps) {
  const { id, name, scopes, models } = of;
  const queries = useQueryClient();
  const { key } = useSession();
  const [asked, setAsked] = useState<'revoke' | 'rotate' | null>(null);
  return (
    <li className="row">
      <div className="grow">
        <strong>{name}</strong> {key?.id === id && <span className="badge">yours</span>}
        <p className="small soft">
          may do {scopes.includes('admin') ? 'everything' : scopes.join(', ')}
          {models !== null && ` of ${models.length === 1 ? 'one model' : `${models.length} models`}`};{' '}
          <KeyLife of={of} />
        </p>
      </div>
      <button type="button" className="button" aria-label={`Replace ${name}`} onClick={() => setAsked('rotate')}>
        Replace
      </button>
      <button type="button" className="button danger" aria-label={`Revoke ${name}`} onClick={() => setAsked('revoke')}>
        Revoke
      </button>
      {asked === 'rotate' && (
        <RotateKey
          of={of}
          onClose={() => setAsked(null)}
          onMade={(successor) => {
            setAsked(null);
            onMade(successor);
          }}
        />
      )}
      {asked === 'revoke' && (
        <Confirm
          title={`Revoke ${name}?`}
          name={name}
          action="Revoke the key"
          onClose={() => setAsked(null)}
          onConfirm={async () => {
            await errata.keys.revoke(id);
            await queries.invalidateQueries({ queryKey: ['keys'] });
          }}
        >
          <p>
            Whoever asks with it is refused from then on, and browsers that signed in with it are signed out.
            {key?.id === id && ' It is the one that this page signed in with.'}
          </p>
        </Confirm>
      )}
    </li>
  );
}
