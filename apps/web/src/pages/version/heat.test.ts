// The heat of changes: the largest is hottest, names are told from layers, what lies outside layers has a place.
import { expect, test } from 'vitest';
import { heatOf } from './heat.ts';

const tensor = (name: string, relative: number | null, norm = 1) => ({
  tensor: name,
  shape: [2, 2],
  norm,
  relative,
  largest: 1,
  rank: null,
});

test('changes are placed by layer and matrix, the largest hottest', () => {
  const { rows, layers, cells } = heatOf([
    tensor('model.layers.10.mlp.down_proj.weight', 0.1),
    tensor('model.layers.2.mlp.down_proj.weight', 0.01),
    tensor('transformer.h.2.attn.c_attn.weight', 0.000001),
    tensor('model.embed_tokens.weight', null, 0.1),
  ]);
  expect(rows).toEqual(['attn.c_attn', 'mlp.down_proj', 'model.embed_tokens.weight']);
  expect(layers).toEqual(['-', '2', '10']);
  const heat = [...cells].map(([place, cell]) => [place, cell.heat]);
  expect(heat).toEqual([
    ['10 mlp.down_proj', 5],
    ['2 mlp.down_proj', 3],
    ['2 attn.c_attn', 1],
    ['- model.embed_tokens.weight', 5],
  ]);
});
