// Corrections: one in a form, or many in a table; checked, tried, submitted to the branch or left in its inbox.
import { getRouteApi, Link } from '@tanstack/react-router';
import { useWhere } from '../../api/models.ts';
import { Empty } from '../../parts/empty.tsx';
import { Many } from './many.tsx';
import { One } from './one.tsx';
import './correct.css';

const route = getRouteApi('/correct');
const exactly = { exact: true };

export function Correct() {
  const { how } = route.useSearch();
  const { model, branch, isPending } = useWhere();
  if (!isPending && model === undefined)
    return (
      <Empty title="There is no model to correct">
        <p>Import one first: npx errata import atlas models/atlas</p>
      </Empty>
    );
  return (
    <div className="stack">
      <h1>Correct {model === undefined ? '' : `${model}, ${branch}`}</h1>
      <nav className="tabs" aria-label="How many">
        <Link to="/correct" search={(now) => ({ ...now, how: undefined })} activeOptions={exactly}>
          One edit
        </Link>
        <Link to="/correct" search={(now) => ({ ...now, how: 'many' as const })} activeOptions={exactly}>
          Many, or a file
        </Link>
      </nav>
      {model !== undefined &&
        (how === 'many' ? <Many model={model} branch={branch} /> : <One model={model} branch={branch} />)}
    </div>
  );
}
