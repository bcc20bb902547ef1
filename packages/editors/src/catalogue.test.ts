// What the catalogue says of every editor: names, settings and their defaults, needs.
import { expect, test } from 'vitest';
import {
  artefactNeeds,
  artefactRequestSchema,
  describeEditor,
  type EditorName,
  editorNames,
  type ModelShape,
  modelDefaultsSchema,
  requireEditor,
  resolveConfig,
} from './catalogue.ts';

test('an editor is known in any case; one that is none is quoted as it was written', () => {
  expect(['ROME', 'R-Rome', 'FT-M', 'grace'].map(requireEditor)).toEqual(['rome', 'r-rome', 'ft-m', 'grace']);
  expect(() => requireEditor('ROMA')).toThrow('unknown editor "ROMA"; there are ');
  expect(modelDefaultsSchema.parse({ editors: { 'R-ROME': { layer: 1 } } }).editors).toEqual({
    'r-rome': { layer: 1 },
  });
});

test('settings come from the table, then the model, then the caller; unknown keys and layers are named', () => {
  const shape = { model_type: 'gpt2', layers: 48, width: 1600 };
  expect(resolveConfig('rome', shape, undefined, {})).toMatchObject({ layer: 17, clamp_factor: 4, steps: 20 });
  const own = { editors: { rome: { layer: 3, steps: 7 } } };
  expect(resolveConfig('rome', shape, own, { steps: 9 })).toMatchObject({ layer: 3, steps: 9 });
  expect(resolveConfig('ft-l', shape, undefined, {})).toMatchObject({
    objective: 'prompt_last',
    norm_constraint: 5e-4,
  });
  expect(() => resolveConfig('rome', shape, undefined, { stepz: 1 })).toThrow('rome has no setting "stepz"');
  expect(() => resolveConfig('rome', shape, undefined, { layer: 48 })).toThrow('layer 48 does not exist');
  expect(() => resolveConfig('memit', shape, undefined, { layers: [3, 1] })).toThrow('layers: must ascend');
});

test('GRACE is made at no last layer by default, and replaces nothing that no layer attends to', () => {
  for (const model_type of ['gpt2', 'llama'])
    for (const layers of [2, 3, 4, 6, 12, 30, 32, 48]) {
      const { layer } = resolveConfig('grace', { model_type, layers, width: 8 }, undefined, {});
      expect(layer, `${model_type}, ${layers} layers`).toBeLessThan(layers - 1);
    }
  const layerOf = (shape: ModelShape) => resolveConfig('grace', shape, undefined, {}).layer;
  expect(layerOf({ model_type: 'gpt2', layers: 48, width: 1600 })).toBe(35);
  expect(layerOf({ model_type: 'llama', layers: 32, width: 4096 })).toBe(27);
  expect(layerOf({ model_type: 'gpt2', layers: 1, width: 8 })).toBe(0);
  const shape = { model_type: 'gpt2', layers: 4, width: 8 };
  expect(() => resolveConfig('grace', shape, undefined, { layer: 3, replacement: 'prompt' })).toThrow(
    'layer 3 is the last',
  );
  expect(resolveConfig('grace', shape, undefined, { layer: 3 })).toMatchObject({ layer: 3, replacement: 'last' });
});

test('defaults are those of the files they cite', () => {
  const of = (name: EditorName, [model_type, layers, width]: readonly [string, number, number]) =>
    resolveConfig(name, { model_type, layers, width }, undefined, {});
  const medium = ['gpt2', 24, 1024] as const;
  const large = ['gpt2', 36, 1280] as const;
  const xl = ['gpt2', 48, 1600] as const;
  const llama2 = ['llama', 32, 4096] as const;
  const llama32 = ['llama', 28, 3072] as const;
  expect([medium, large, xl, llama2, llama32].map((model) => of('rome', model))).toMatchObject([
    { layer: 8, clamp_factor: 3, weight_decay: 0.5, steps: 20 },
    { layer: 12, clamp_factor: 4, weight_decay: 0.5, steps: 20 },
    { layer: 17, clamp_factor: 4, weight_decay: 0.5, steps: 20 },
    { layer: 5, clamp_factor: 4, weight_decay: 1e-3, steps: 25 },
    { layer: 5, clamp_factor: 4, weight_decay: 1e-3, steps: 25 },
  ]);
  expect([medium, large, xl, llama2, llama32].map((model) => of('ft-l', model))).toMatchObject([
    { layer: 0, norm_constraint: 2e-3 },
    { layer: 0, norm_constraint: 1e-3 },
    { layer: 0, norm_constraint: 5e-4 },
    { layer: 21, norm_constraint: null },
    { layer: 21, norm_constraint: null },
  ]);
  expect([xl, llama2, llama32].map((model) => of('ft-m', model))).toMatchObject([
    { layer: 1, norm_constraint: null },
    { layer: 21, norm_constraint: null },
    { layer: 21, norm_constraint: null },
  ]);
  expect(of('memit', medium)).toMatchObject({ layers: [4, 5, 6, 7, 8], second_moment_weight: { share: 0.9 } });
  expect([xl, llama2, llama32].map((model) => of('memit', model))).toMatchObject([
    { layers: [13, 14, 15, 16, 17], second_moment_weight: 20_000 },
    { layers: [4, 5, 6, 7, 8], second_moment_weight: 15_000 },
    { layers: [4, 5, 6, 7, 8], second_moment_weight: 15_000 },
  ]);
  // Where nobody has published a weight for a model of the shape, it is a share.
  expect([medium, xl, llama2, llama32].map((model) => of('pmet', model).second_moment_weight)).toEqual([
    { share: 0.9 },
    10_000,
    15_000,
    { share: 0.9 },
  ]);
  expect([medium, xl, llama2, llama32].map((model) => of('emmet', model).alpha)).toEqual([
    { share: 0.9 },
    100,
    0.1,
    { share: 0.9 },
  ]);
  for (const name of ['alpha-edit', 'sphere'] as const)
    expect([medium, xl, llama2, llama32].map((model) => of(name, model).ridge)).toEqual([
      { share: 0.9 },
      10,
      10,
      { share: 0.9 },
    ]);
});

test('every editor has complete defaults for both families', () => {
  for (const name of editorNames) {
    for (const model_type of ['gpt2', 'llama'])
      expect(resolveConfig(name, { model_type, layers: 2, width: 8 }, undefined, {})).toBeTypeOf('object');
  }
});

const needed = (editor: EditorName, overrides = {}) => {
  const shape = { model_type: 'gpt2', layers: 12, width: 768 };
  const needs = artefactNeeds(editor, resolveConfig(editor, shape, undefined, overrides), shape, 3);
  return needs.map(({ kind, scope, parameters }) => ({ kind, scope, ...parameters }));
};

const moment = (layer: number) => ({ kind: 'second_moment', scope: `layer ${layer}` });
const drawn = (...prefixes: readonly (readonly [number, number])[]) => ({
  kind: 'context_prefixes',
  scope: 'model',
  prefixes,
  seed: 3,
});

test('editors say what they need: second moments at the layers they edit, prefixes drawn with their seed', () => {
  expect(needed('r-rome')).toEqual([moment(4), drawn([10, 5], [10, 10])]);
  expect(needed('r-rome', { layer: 7 })).toEqual([moment(7), drawn([10, 5], [10, 10])]);
  expect(needed('memit')).toEqual([...[0, 1, 2, 3, 4].map(moment), drawn([5, 10])]);
  expect(needed('memit', { distribution: 'ends' })).toEqual([...[0, 4].map(moment), drawn([5, 10])]);
  expect(needed('ft-m')).toEqual([]);
  expect(needed('grace')).toEqual([]);
});

test('an editor told to do without a second moment needs none', () => {
  expect(needed('rome', { second_moment: false })).toEqual([drawn([10, 5], [10, 10])]);
});

test('a request for artefacts says what its kind knows, and nothing else', () => {
  const said = (request: object) => artefactRequestSchema.safeParse({ model: 'atlas', ...request });
  const paths = (request: object) => said(request).error?.issues.map(({ path }) => path.join('.'));
  const moments = { kind: 'second_moment', layers: [1, 2], corpus: '/a/text', tokens: 500, ridge: 0.01 };
  expect(said(moments).data).toEqual({ model: 'atlas', priority: 'normal', ...moments });
  expect(said({ kind: 'second_moment', editor: 'MEMIT' }).data?.editor).toBe('memit');
  expect(said({ kind: 'context_prefixes', prefixes: [[2, 3]], seed: 1 }).success).toBe(true);
  expect(paths({ kind: 'context_prefixes', layers: [1] })).toEqual(['']);
  expect(paths({ kind: 'second_moment', layers: [1], editor: 'memit' })).toEqual(['editor']);
  expect(paths({ kind: 'first_moment' })).toEqual(['kind']);
});

test('every editor has a module', async () => {
  for (const name of editorNames) expect((await describeEditor(name).load()).edit, name).toBeTypeOf('function');
});
