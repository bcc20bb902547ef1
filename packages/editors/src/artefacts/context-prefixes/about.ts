// Context prefixes, described: short texts sampled once from the base model, which editors put before their prompts.
import { canonicalJson, sha256 } from '@errata/contracts';
import type { ArtefactDescription } from '../description.ts';
import { contextPrefixesOf, contextPrefixFormat, prefixRequest } from './request.ts';

export const contextPrefixes = {
  title: 'context prefixes sampled from the model',
  format: contextPrefixFormat,
  request: prefixRequest,
  chosenBy: 'prefixes',
  chosen: ({ prefixes = [], seed = 0 }) => [contextPrefixesOf({ prefixes, seed })],
  parents: () => [],
  withoutText: () => null,
  file: (model, _, { prefixes, seed }) => `context-prefixes/${model}/${sha256(canonicalJson({ prefixes, seed }))}`,
  load: () => import('#artefacts/context-prefixes/build'),
} as const satisfies ArtefactDescription<typeof prefixRequest>;
