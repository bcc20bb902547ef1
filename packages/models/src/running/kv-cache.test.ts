// The cache of keys and values: however often it has grown, what is generated on it is what whole sequences say.

import { expect, it } from 'vitest';
import { expectedOutputs, openTiny } from '../tiny-models.fixture.ts';

it.each(['llama-tied', 'mistral-window'])('of %s grows with ragged prompts and changes nothing', async (name) => {
  const model = await openTiny(name);
  const view = model.view();
  const [first, second] = expectedOutputs(name).sequences as readonly [readonly number[], readonly number[]];
  const prompts = [first.slice(0, 2), second.slice(0, 6)];
  const continued = await view.generate(prompts, { maxTokens: 50 });
  const scores = await view.score(prompts.map((prompt, i) => ({ prompt, target: continued[i]!.tokens })));
  expect(continued.map(({ tokens }) => tokens)).toEqual(scores.map(({ best }) => [...best]));
  expect(continued.map(({ tokens }) => tokens.length)).toEqual([50, 50]);
  await model.release();
});
