// Prompts whose answers must stay.
import type { Canary } from '@errata/contracts';
import { useId, useState } from 'react';

interface CanariesProps {
  readonly canaries: readonly Canary[];
  readonly onChange: (canaries: Canary[]) => void;
}

export function Canaries({ canaries, onChange }: CanariesProps) {
  const id = useId();
  const [prompt, setPrompt] = useState('');
  const [answer, setAnswer] = useState('');
  const known = canaries.some((canary) => canary.prompt === prompt);
  const add = () => {
    onChange([...canaries, { prompt, ...(answer.trim() === '' ? {} : { answer: answer.trim() }) }]);
    setPrompt('');
    setAnswer('');
  };
  return (
    <section className="card stack" aria-label="Canaries">
      <h2>Answers that must stay</h2>
      {canaries.length === 0 && <p className="soft">None yet. “Keep this answer”, under an answer, adds one too.</p>}
      <ul className="gate-canaries">
        {canaries.map((canary) => (
          <li key={canary.prompt} className="row">
            <span className="grow">
              {canary.prompt} <strong>{canary.answer ?? 'as its parent answers'}</strong>
            </span>
            <button
              type="button"
              className="button"
              aria-label={`Remove ${canary.prompt}`}
              onClick={() => onChange(canaries.filter((other) => other !== canary))}
            >
              Remove
            </button>
          </li>
        ))}
      </ul>
      <div className="gate-rule">
        <div className="field grow">
          <label htmlFor={`${id}-prompt`}>Prompt</label>
          <input
            id={`${id}-prompt`}
            className="input"
            value={prompt}
            onChange={({ target }) => setPrompt(target.value)}
          />
        </div>
        <div className="field grow">
          <label htmlFor={`${id}-answer`}>Answer; as the parent gives it when empty</label>
          <input
            id={`${id}-answer`}
            className="input"
            value={answer}
            onChange={({ target }) => setAnswer(target.value)}
          />
        </div>
        <button type="button" className="button" disabled={prompt === '' || known} onClick={add}>
          Add
        </button>
      </div>
    </section>
  );
}
