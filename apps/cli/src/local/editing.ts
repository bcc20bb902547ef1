// An editor made ready on a model directory, for the commands that need no service.
import { join } from 'node:path';
import type { ConfigOverrides } from '@errata/contracts';
import type { Artefacts } from '@errata/editors';
import {
  artefactNeeds,
  type EditorName,
  type EditorSettings,
  type ModelShape,
  resolveConfig,
  secondMomentLayers,
} from '@errata/editors/catalogue';
import { readDefaults } from '@errata/engine';
import { bar, type ProgressLine } from '../output/output.ts';
import { type MomentSource, prepareArtefacts } from './artefacts.ts';
import type { LocalModel } from './model.ts';

/** The text for statistics and perplexity: the one given, else the model's own. */
export function corpusOf({ checkpoint }: LocalModel, given: string | undefined): string | undefined {
  if (given !== undefined) return given;
  const { corpus } = readDefaults(checkpoint.directory);
  return corpus === undefined ? undefined : join(checkpoint.directory, corpus);
}

const shapeOf = ({ checkpoint, model }: LocalModel): ModelShape => ({
  model_type: checkpoint.config.model_type,
  layers: model.spec.layers,
  width: model.spec.width,
});

/** @throws ErrataError `unknown_config_key`, `invalid_config` */
export const localConfig = (local: LocalModel, editor: EditorName, overrides: ConfigOverrides = {}): EditorSettings =>
  resolveConfig(editor, shapeOf(local), readDefaults(local.checkpoint.directory), overrides);

/**
 * The artefacts that an editor needs under a configuration, built where the cache lacks them.
 * @throws ErrataError `corpus_missing`
 */
export async function localArtefacts(
  local: LocalModel,
  editor: EditorName,
  config: EditorSettings,
  source: Omit<MomentSource, 'layers'>,
  line: ProgressLine,
): Promise<Artefacts> {
  const { openArtefacts } = await import('@errata/editors');
  const store = await prepareArtefacts(
    local,
    { layers: secondMomentLayers(artefactNeeds(editor, config, shapeOf(local))), ...source },
    {
      onBuild: (layers, text) =>
        console.error(`No second moment is stored for layer ${layers.join(', ')}: building it from ${text}`),
      onProgress: ({ phase, done, total }) => line.update(phase === 'sum' ? 'reading' : 'inverting', bar(done, total)),
    },
  );
  return openArtefacts(store, local.checkpoint.digest);
}
