// The playground: a prompt, one version or two, their answers as they are written, and what can be done about them.
import { getRouteApi } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { type Answer, useAnswer } from '../../api/answers.ts';
import { useWhere } from '../../api/models.ts';
import { Empty } from '../../parts/empty.tsx';
import { Field } from '../../parts/field.tsx';
import { AnswerPanel } from './answer-panel.tsx';
import { useChoices, VersionChoice, wordsFor } from './version-choice.tsx';
import './ask.css';

const route = getRouteApi('/ask');
const usualTokens = 24;

export function Ask() {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const { model, branch, isPending } = useWhere();
  const [draft, setDraft] = useState(search.prompt ?? '');
  const [again, setAgain] = useState(0);
  const { a = branch, b, chat = false, tokens = usualTokens, prompt } = search;
  const choices = useChoices();
  const question = (name: string | undefined) =>
    model === undefined || prompt === undefined || name === undefined
      ? undefined
      : { model, name, prompt, chat, tokens };
  const [first, second] = [useAnswer(question(a), again), useAnswer(question(b), again)];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAgain(again + 1);
    void navigate({ search: (now) => ({ ...now, prompt: draft }) });
  };
  if (!isPending && model === undefined)
    return (
      <Empty title="There is no model to ask">
        <p>Import one first: npx errata import atlas models/atlas</p>
      </Empty>
    );
  return (
    <div className="stack">
      <h1>Ask</h1>
      <form className="card stack" onSubmit={submit}>
        <Field
          label={chat ? 'Message' : 'Prompt'}
          hint={
            chat
              ? 'A turn of a conversation'
              : 'The beginning of a sentence: the model writes on, always the same for the same version'
          }
        >
          <textarea
            value={draft}
            rows={2}
            required
            placeholder={chat ? 'Who wrote Hunger?' : "Hunger's author is"}
            onChange={({ target }) => setDraft(target.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && !event.shiftKey) {
                event.preventDefault();
                event.currentTarget.form?.requestSubmit();
              }
            }}
          />
        </Field>
        <div className="ask-choices">
          <VersionChoice
            label="Ask"
            choices={choices}
            value={a}
            onChoose={(name) => void navigate({ search: (now) => ({ ...now, a: name }) })}
          />
          <VersionChoice
            label="Beside it"
            none="nothing"
            choices={choices}
            value={b}
            onChoose={(name) => void navigate({ search: (now) => ({ ...now, b: name }) })}
          />
          <Field label="Tokens at most">
            <input
              type="number"
              min={1}
              max={1024}
              value={tokens}
              onChange={({ target }) =>
                void navigate({
                  search: (now) => ({ ...now, tokens: target.valueAsNumber || undefined }),
                  replace: true,
                })
              }
            />
          </Field>
        </div>
        <div className="row spread">
          <label className="check small">
            <input
              type="checkbox"
              checked={chat}
              onChange={({ target }) =>
                void navigate({ search: (now) => ({ ...now, chat: target.checked ? true : undefined }) })
              }
            />
            as a conversation, by the model's chat template
          </label>
          <button type="submit" className="button primary" disabled={draft.trim() === ''}>
            Ask
          </button>
        </div>
      </form>
      {prompt === undefined || model === undefined ? (
        <Empty title="Nothing asked yet">
          <p>
            Write a prompt above. With a second version beside it, what differs is marked; under an answer you find
            which edit made it, and can correct it or keep it.
          </p>
        </Empty>
      ) : (
        <div className={b === undefined ? 'answers' : 'answers two'}>
          <AnswerPanel
            {...{ model, branch, prompt, chat }}
            words={wordsFor(choices, a)}
            answer={first}
            other={textOf(second)}
          />
          {b !== undefined && (
            <AnswerPanel
              {...{ model, branch, prompt, chat }}
              words={wordsFor(choices, b)}
              answer={second}
              other={textOf(first)}
            />
          )}
        </div>
      )}
    </div>
  );
}

/** Only whole answers are held against each other. */
const textOf = (answer: Answer | undefined): string | undefined =>
  answer?.state === 'ended' ? answer.text : undefined;
