// The context prefixes of an editor that has them among its settings.

import { builder as contextPrefixes } from '../artefacts/context-prefixes/build.ts';
import { contextPrefixesOf, type PrefixSettings } from '../artefacts/context-prefixes/request.ts';
import type { EditorInput } from '../editor.ts';

/** The texts that were sampled for these settings. @throws ErrataError `artefact_missing` */
export async function prefixTexts({
  artefacts,
  seed,
  config: { prefixes },
}: Pick<EditorInput<Pick<PrefixSettings, 'prefixes'>>, 'artefacts' | 'seed' | 'config'>): Promise<readonly string[]> {
  return (await artefacts.read(contextPrefixes, contextPrefixesOf({ prefixes, seed }))).texts;
}
