// Fields of artefact requests as options: numbers, lists, paths, and choices, each read as its kind says.
import { resolve } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { addArtefactFields, artefactFields } from './artefact-fields.ts';

const read = (...options: string[]) => {
  const command = addArtefactFields(new Command().exitOverride().configureOutput({ writeErr: () => {} }));
  return artefactFields(command.parse(options, { from: 'user' }).opts());
};

describe('fields of artefact requests', () => {
  it('are read as what they are', () => {
    expect(read('--layers', '1,2', '--tokens', '500')).toEqual({ layers: [1, 2], tokens: 500 });
    expect(read('--data', 'edits.jsonl')).toEqual({ data: resolve('edits.jsonl') });
    expect(read('--optimizer', 'muon', '--learning_rate', '5e-4')).toEqual({ optimizer: 'muon', learning_rate: 5e-4 });
  });

  it('are refused where their kind does not take them', () => {
    expect(() => read('--optimizer', 'sgd')).toThrow(/optimizer/);
    expect(() => read('--steps', 'many')).toThrow(/steps/);
  });
});
