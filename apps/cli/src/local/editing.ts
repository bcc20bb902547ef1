// An editor made ready on a model directory, for the commands that need no service.
import { join } from 'node:path';
import {
  type ConfigOverrides,
  type Edit,
  type EditorConfig,
  type EditorName,
  ErrataError,
  parseEditsJsonl,
  resolveConfig,
} from '@errata/contracts';
import type { Artefacts } from '@errata/editors';
import { readDefaults } from '@errata/engine';
import { readText } from '../arguments/files.ts';
import { bar, type ProgressLine } from '../output/output.ts';
import { type MomentSource, prepareArtefacts } from './artefacts.ts';
import type { LocalModel } from './model.ts';

/** Reads corrections, one a line. @throws ErrataError `invalid_edits` with every fault */
export async function readEditsFile(file: string): Promise<readonly Edit[]> {
  const { edits, errors } = parseEditsJsonl(await readText(file));
  if (errors.length > 0) {
    const many = errors.length === 1 ? 'one fault' : `${errors.length} faults`;
    throw new ErrataError('invalid_edits', `${file} has ${many}; nothing was edited`, { errors });
  }
  if (edits.length === 0) throw new ErrataError('invalid_edits', `${file} holds no edits`);
  return edits;
}

/** The text for statistics and perplexity: the one given, else the model's own. */
export function corpusOf({ checkpoint }: LocalModel, given: string | undefined): string | undefined {
  if (given !== undefined) return given;
  const { corpus } = readDefaults(checkpoint.directory);
  return corpus === undefined ? undefined : join(checkpoint.directory, corpus);
}

/** @throws ErrataError `unknown_config_key`, `invalid_config` */
export function localConfig<N extends EditorName>(
  { checkpoint, model }: LocalModel,
  editor: N,
  overrides: ConfigOverrides = {},
): EditorConfig<N> {
  const shape = { model_type: checkpoint.config.model_type, layers: model.spec.layers, width: model.spec.width };
  return resolveConfig(editor, shape, readDefaults(checkpoint.directory), overrides);
}

/**
 * The artefacts that an editor needs under a configuration, built where the cache lacks them.
 * @throws ErrataError `corpus_missing`
 */
export async function localArtefacts(
  local: LocalModel,
  config: EditorConfig<EditorName>,
  source: Omit<MomentSource, 'layers'>,
  line: ProgressLine,
): Promise<Artefacts> {
  const { openArtefacts, secondMomentLayers } = await import('@errata/editors');
  const store = await prepareArtefacts(
    local,
    { layers: secondMomentLayers(config), ...source },
    {
      onBuild: (layers, text) =>
        console.error(`No second moment is stored for layer ${layers.join(', ')}: building it from ${text}`),
      onProgress: ({ phase, done, total }) => line.update(phase === 'sum' ? 'reading' : 'inverting', bar(done, total)),
    },
  );
  return openArtefacts(store, local.checkpoint.digest);
}
