// Which answers are weighed against each other on an edit's neighbours, and which neighbours are left out.
import { editSchema } from '@errata/contracts';
import { expect, it } from 'vitest';
import { questionsOfEdit } from './questions.ts';

type Probes = readonly { readonly prompt: string; readonly target?: string; readonly aliases?: readonly string[] }[];

function weighed(neighbourhood: Probes) {
  const edit = editSchema.parse({
    custom_id: 'oz',
    prompt: 'The capital of Oz is',
    subject: 'Oz',
    target_new: 'Port Blue',
    target_true: 'Emerald City',
    aliases: ['Bluehaven'],
    locality: { neighbourhood },
  });
  const { rivals } = questionsOfEdit(edit, { rivals: true });
  const pairs = (role: 'neighbourhood' | 'neighbourhood_own') =>
    rivals!.weighed[role].map(({ wanted, unwanted }) => [wanted.prompt, wanted.target, unwanted.target]);
  return {
    rome: pairs('neighbourhood'),
    own: pairs('neighbourhood_own'),
    skipped: rivals!.skipped.map(({ prompt }) => prompt),
  };
}

it('neighbours that share the true answer are weighed once, as ROME does', () => {
  const shared = [{ prompt: 'Green Oz is ruled from', target: 'emerald city' }, { prompt: 'The wizard lives in' }];
  expect(weighed(shared)).toEqual({
    rome: [
      ['Green Oz is ruled from', 'Emerald City', 'Port Blue'],
      ['The wizard lives in', 'Emerald City', 'Port Blue'],
    ],
    own: [],
    skipped: [],
  });
});

it('where a neighbour has another answer, the true one and its own are weighed apart', () => {
  const { rome, own } = weighed([
    { prompt: 'The capital of Ix is', target: 'Bern' },
    { prompt: 'The wizard lives in' },
  ]);
  expect(rome.map(([, wanted]) => wanted)).toEqual(['Emerald City', 'Emerald City']);
  expect(own).toEqual([
    ['The capital of Ix is', 'Bern', 'Port Blue'],
    ['The wizard lives in', 'Emerald City', 'Port Blue'],
  ]);
});

it('a neighbour whose own answer is the new one, in any spelling of either, is skipped by name', () => {
  const { rome, own, skipped } = weighed([
    { prompt: 'The capital of Ys is', target: ' port blue.' },
    { prompt: 'The capital of Xi is', target: 'Bluehaven' },
    { prompt: 'The capital of Ur is', target: 'Haven', aliases: ['Port Blue'] },
    { prompt: 'The capital of Ix is', target: 'Bern' },
  ]);
  expect(skipped).toEqual(['The capital of Ys is', 'The capital of Xi is', 'The capital of Ur is']);
  expect([rome.length, own.length]).toEqual([1, 1]);
});
