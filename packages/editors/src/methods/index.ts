// The editors by name, a line each: the one place that lists them.
import type { EditorDescription } from '../description.ts';
import { alphaEdit } from './alpha-edit/about.ts';
import { sphere } from './alpha-edit/sphere.ts';
import { caliNet } from './calinet/about.ts';
import { ftAttn, ftFull, ftL, ftM } from './fine-tune/about.ts';
import { given } from './given/about.ts';
import { grace } from './grace/about.ts';
import { ike } from './ike/about.ts';
import { ke } from './ke/about.ts';
import { knowledgeNeurons } from './knowledge-neurons/about.ts';
import { lora } from './lora/about.ts';
import { lte } from './lte/about.ts';
import { malmen } from './malmen/about.ts';
import { melo } from './melo/about.ts';
import { memit } from './memit/about.ts';
import { emmet } from './memit/emmet.ts';
import { mend } from './mend/about.ts';
import { pmet } from './pmet/about.ts';
import { rase } from './rase/about.ts';
import { rPatcher } from './rase/r-patcher.ts';
import { recipe } from './recipe/about.ts';
import { retrieval } from './retrieval/about.ts';
import { rome } from './rome/about.ts';
import { promptKeyRome } from './rome/prompt-key.ts';
import { rebuiltRome } from './rome/rebuilt.ts';
import { wilke } from './rome/wilke.ts';
import { serac } from './serac/about.ts';
import { tPatcher } from './t-patcher/about.ts';
import { ultraEdit } from './ultra-edit/about.ts';
import { wise } from './wise/about.ts';

export const methods = {
  'r-rome': rebuiltRome,
  rome,
  'p-rome': promptKeyRome,
  wilke,
  memit,
  pmet,
  emmet,
  'alpha-edit': alphaEdit,
  sphere,
  'ultra-edit': ultraEdit,
  mend,
  malmen,
  ke,
  kn: knowledgeNeurons,
  'ft-m': ftM,
  'ft-l': ftL,
  'ft-attn': ftAttn,
  'ft-full': ftFull,
  lora,
  grace,
  't-patcher': tPatcher,
  calinet: caliNet,
  wise,
  melo,
  retrieval,
  lte,
  recipe,
  serac,
  rase,
  'r-patcher': rPatcher,
  ike,
  given,
} as const satisfies Readonly<Record<string, EditorDescription>>;
