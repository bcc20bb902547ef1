// One question put to one version, and its answer as it is written.
import { useEffect, useState } from 'react';
import { errata } from './client.ts';

export interface Question {
  readonly model: string;
  /** A branch, an alias, a tag or a version of it. */
  readonly name: string;
  readonly prompt: string;
  readonly chat: boolean;
  readonly tokens: number;
}

export interface Answer {
  readonly state: 'writing' | 'ended' | 'failed';
  readonly text: string;
  /** The version that answers, once that is known. */
  readonly version?: string;
  /** Whether it ended because it had as many tokens as it may have. */
  readonly cut: boolean;
  readonly error?: unknown;
}

const nothing: Answer = { state: 'writing', text: '', cut: false };

/** Greedy, so that the same question has the same answer. */
async function* write({ model, name, prompt, chat, tokens }: Question, signal: AbortSignal): AsyncGenerator<Answer> {
  let answer = nothing;
  const asked = { model: `${model}@${name}`, temperature: 0 };
  const add = (version: string, piece: string, end: string | null): Answer => {
    answer = { ...answer, version, text: answer.text + piece, cut: end === 'length' };
    return answer;
  };
  if (chat) {
    const request = { ...asked, messages: [{ role: 'user' as const, content: prompt }], max_completion_tokens: tokens };
    for await (const { version, choices } of errata.chat.completions.stream(request, { signal }))
      for (const { delta, finish_reason } of choices) yield add(version, delta.content ?? '', finish_reason);
  } else {
    const request = { ...asked, prompt, max_tokens: tokens };
    for await (const { version, choices } of errata.completions.stream(request, { signal }))
      for (const { text, finish_reason } of choices) yield add(version, text, finish_reason);
  }
  yield { ...answer, state: 'ended' };
}

/** @param again another number asks once more */
export function useAnswer(question: Question | undefined, again: number): Answer | undefined {
  const [answer, setAnswer] = useState<Answer>();
  const key = question === undefined ? undefined : JSON.stringify([question, again]);
  useEffect(() => {
    setAnswer(undefined);
    if (key === undefined) return undefined;
    const [asked] = JSON.parse(key) as [Question];
    const leaving = new AbortController();
    setAnswer(nothing);
    const follow = async () => {
      for await (const part of write(asked, leaving.signal)) if (!leaving.signal.aborted) setAnswer(part);
    };
    follow().catch((error: unknown) => {
      if (!leaving.signal.aborted) setAnswer((so) => ({ ...(so ?? nothing), state: 'failed', error }));
    });
    return () => leaving.abort();
  }, [key]);
  return answer;
}
