// Streams of answers: who reads slowly, or not at all, keeps nobody waiting.
import type { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { textShape } from './shapes.ts';
import { beginAnswer, completionStream } from './stream.ts';

test('an answer is written to its end while nobody reads it, and is there whole when somebody does', async () => {
  const pieces = Array.from({ length: 20_000 }, (_, n) => ` word ${n}`);
  const completion = {
    text: pieces.join(''),
    finish_reason: 'length',
    prompt_tokens: 1,
    completion_tokens: 20_000,
  } as const;
  let written = false;
  const answering = await beginAnswer(async (onPart) => {
    for (const text of pieces) onPart({ index: 0, text });
    written = true;
    return [completion];
  });
  const stream: Readable = completionStream(textShape, answering, {
    about: { id: 'cmpl_1', created: 0, model: 'tiny', version: 'ver_1' },
    includeUsage: false,
    usageOf: () => ({ prompt_tokens: 1, completion_tokens: 20_000, total_tokens: 20_001 }),
    ending: () => ({}),
    explain: (error) => ({ error: String(error) }),
  });
  await answering.completions;
  expect([written, stream.readableFlowing]).toEqual([true, null]);

  let text = '';
  for await (const chunk of stream) text += chunk;
  const events = text.split('\n\n').filter((event) => event !== '');
  expect(events.at(-1)).toBe('data: [DONE]');
  const said = events.slice(0, -1).map((event) => JSON.parse(event.slice('data: '.length)).choices[0]);
  expect(said.map((choice) => choice.text).join('')).toBe(completion.text);
  expect(said.at(-1).finish_reason).toBe('length');
});
