// Matrices: what is combined with what, and what is refused.
import { describe, expect, it } from 'vitest';
import { cellsOf, type MatrixInput, parseMatrix, slugOf } from './matrix.ts';

const matrix = (fields: Partial<MatrixInput> = {}) =>
  parseMatrix(
    { title: 'T', models: ['a', 'b'], data: ['x.jsonl'], editors: ['rome'], protocols: ['single'], ...fields },
    'matrix.yaml',
  );

describe('a matrix', () => {
  it('is every model with every data set, editor and protocol, model by model', () => {
    const cells = cellsOf(
      matrix({
        data: ['x.jsonl', { file: 'y.json', layout: 'counterfact', limit: 10 }],
        editors: ['rome', 'none'],
        protocols: ['single', { kind: 'batch', size: [10, 100] }, { kind: 'lifelong', batch: 5 }],
      }),
    );
    expect(cells).toHaveLength(2 * 2 * (4 + 1));
    expect(cells.map(({ model }) => model)).toEqual([...Array(10).fill('a'), ...Array(10).fill('b')]);
    expect(cells.slice(0, 6).map(slugOf)).toEqual([
      'rome-single',
      'rome-batch-10',
      'rome-batch-100',
      'rome-lifelong-5',
      'none-single',
      'rome-single',
    ]);
    expect(cells[5]!.data).toEqual({ file: 'y.json', layout: 'counterfact', limit: 10 });
  });

  it('varies settings in all combinations, each under a name of its own', () => {
    const cells = cellsOf(
      matrix({
        models: ['a'],
        editors: [
          {
            editor: 'r-rome',
            name: 'r-ROME',
            set: { steps: 10 },
            vary: { clamp_factor: [4, 7], second_moment: [true, false] },
          },
        ],
      }),
    );
    expect(cells.map(({ name, set }) => [name, set])).toEqual([
      ['r-ROME, clamp_factor 4, second_moment true', { steps: 10, clamp_factor: 4, second_moment: true }],
      ['r-ROME, clamp_factor 4, second_moment false', { steps: 10, clamp_factor: 4, second_moment: false }],
      ['r-ROME, clamp_factor 7, second_moment true', { steps: 10, clamp_factor: 7, second_moment: true }],
      ['r-ROME, clamp_factor 7, second_moment false', { steps: 10, clamp_factor: 7, second_moment: false }],
    ]);
  });

  it('is refused with every fault, before anything is run', () => {
    const refused = (fields: object) => () => matrix(fields as Partial<MatrixInput>);
    expect(refused({ models: [], protocols: ['daily'] })).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        errors: [expect.objectContaining({ field: 'models' }), expect.objectContaining({ field: 'protocols.0' })],
      }),
    );
    expect(refused({ editors: ['nobody'] })).toThrow(expect.objectContaining({ code: 'unknown_editor' }));
    expect(refused({ editors: ['ROME', { editor: 'Rome', set: { steps: 3 } }] })).toThrow(/two editors called "rome"/);
    expect(refused({ title: 'T', colour: 'red' })).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
