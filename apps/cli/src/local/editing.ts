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
} from '@errata/editors/catalogue';
import { readDefaults } from '@errata/engine';
import type { ProgressLine } from '../output/output.ts';
import { type ArtefactSource, cachedArtefacts } from './artefacts.ts';
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
export const artefactsForEditor = (
  local: LocalModel,
  editor: EditorName,
  config: EditorSettings,
  seed: number,
  source: ArtefactSource,
  line: ProgressLine,
): Promise<Artefacts> => cachedArtefacts(local, artefactNeeds(editor, config, shapeOf(local), seed), source, line);
