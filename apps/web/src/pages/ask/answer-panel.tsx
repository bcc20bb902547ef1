// One version's answer, with what differs from the other's marked, and what can be done about it.
import { Link } from '@tanstack/react-router';
import { diffWordsWithSpace } from 'diff';
import { useState } from 'react';
import type { Answer } from '../../api/answers.ts';
import { useSession } from '../../api/session.ts';
import { Problem } from '../../parts/problem.tsx';
import { VersionId } from '../../parts/version-id.tsx';
import { Blame } from './blame.tsx';
import { KeepAnswer } from './keep-answer.tsx';

interface AnswerPanelProps {
  readonly model: string;
  readonly branch: string;
  /** What people call the version. */
  readonly words: string;
  readonly prompt: string;
  readonly chat: boolean;
  readonly answer: Answer | undefined;
  /** What the other version answered, once it has. */
  readonly other: string | undefined;
}

export function AnswerPanel({ model, branch, words, prompt, chat, answer, other }: AnswerPanelProps) {
  const { may } = useSession();
  const [blamed, setBlamed] = useState<string>();
  const [keeping, setKeeping] = useState(false);
  const ended = answer?.state === 'ended';
  const version = answer?.version;
  const same = ended && other !== undefined && other === answer.text;
  return (
    <section className="card answer" aria-label={`The answer of ${words}`}>
      <div className="row spread">
        <h2>{words}</h2>
        {version !== undefined && <VersionId id={version} />}
      </div>
      <p className="said" aria-live="polite" aria-busy={answer?.state === 'writing'}>
        {!chat && <span className="asked">{prompt}</span>}
        <Marked text={answer?.text ?? ''} other={ended ? other : undefined} />
        {answer?.state === 'writing' && <span className="writing" />}
        {answer?.cut === true && '…'}
      </p>
      {same && <p className="small soft">Both answer the same, word for word.</p>}
      <Problem error={answer?.error} />
      {ended && (
        <div className="row">
          <Link
            className="button small"
            to="/correct"
            search={(now) => ({ model: now.model, branch: now.branch, prompt, was: beginning(answer.text) })}
          >
            This is wrong: correct it
          </Link>
          {!chat && version !== undefined && (
            <button
              type="button"
              className="button small"
              disabled={!may('evals:write')}
              onClick={() => setBlamed(version)}
            >
              Which edit made it?
            </button>
          )}
          {!chat && (
            <button type="button" className="button small" onClick={() => setKeeping(true)}>
              Keep this answer
            </button>
          )}
        </div>
      )}
      {blamed !== undefined && blamed === version && (
        <Blame key={`${blamed} ${prompt}`} model={model} version={blamed} prompt={prompt} />
      )}
      {keeping && answer !== undefined && (
        <KeepAnswer {...{ model, branch, prompt }} answer={beginning(answer.text)} onClose={() => setKeeping(false)} />
      )}
    </section>
  );
}

/** The answer proper: models write on behind it. */
const beginning = (text: string): string =>
  text
    .trim()
    .split(/\n|(?<=[.!?])\s/, 1)[0]
    ?.replace(/[.]$/, '') ?? '';

function Marked({ text, other }: { readonly text: string; readonly other: string | undefined }) {
  if (other === undefined || other === text) return text;
  const parts = diffWordsWithSpace(other, text).filter(({ removed }) => !removed);
  return parts.map(({ value, added }, index) =>
    added ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of one text in their order
      <mark key={index}>{value}</mark>
    ) : (
      value
    ),
  );
}
