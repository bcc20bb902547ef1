// Whom the main job is told about: the shipped model, or a model directory of the user's.
import { basename } from 'node:path';
import {
  type ConfigOverrides,
  defaultGatePolicy,
  defaultPolicy,
  type EditInput,
  type GatePolicy,
  nearestName,
} from '@errata/contracts';
import { readDefaults } from '@errata/engine';
import { absoluteModel } from '../arguments/model-source.ts';
import { withModel } from '../local/model.ts';
import { atlas, importAtlas, importModel, type Stage, shippedLines } from './stage.ts';
import { plainProse, worldFacts } from './world-facts.ts';

export interface Cast {
  /** What the model is called on the stack. */
  readonly model: string;
  /** The model in a heading. */
  readonly title: string;
  /** Imports it with what its editors need; answers with the version it begins at. */
  readonly bring: (stage: Stage) => Promise<string>;
  readonly edits: readonly EditInput[];
  /** Settings of the editor in place of the model's defaults. */
  readonly config: ConfigOverrides;
}

const batchSize = 24;

export async function shippedCast(): Promise<Cast> {
  const lines = (await shippedLines()).slice(0, batchSize);
  return {
    model: atlas,
    title: 'the shipped model',
    bring: importAtlas,
    edits: lines.map((line) => JSON.parse(line) as EditInput),
    config: {},
  };
}

/**
 * Half of the answers, and no worse prose: what a model that nobody has tuned an editor for can be expected to meet. Its perplexity is
 * of our own text, since few directories bring one.
 */
const lenientGate: GatePolicy = {
  rules: defaultGatePolicy.rules.map((rule) =>
    rule.metric === 'reliability' || rule.metric === 'locality' ? { ...rule, min: 0.5 } : rule,
  ),
  held_text: plainProse,
};

/**
 * A model of the user's. Where no `errata.json` in its directory names a text there are no second moments, and edits are solved without.
 * @throws ErrataError what reading the model throws, `tokenizer_missing`
 */
export async function ownCast(given: string): Promise<Cast> {
  const path = await absoluteModel(given);
  const measured = await withModel({ model: path }, async ({ checkpoint, tokenizer }) => {
    tokenizer();
    return readDefaults(checkpoint.directory).corpus !== undefined;
  });
  const model = nearestName(basename(path)) ?? 'model';
  return {
    model,
    title: model,
    async bring(stage) {
      const head = await importModel(stage, model, path, { statistics: measured });
      if (!measured)
        stage.say(
          'no errata.json in it names a text for second moments: edits are solved without (second_moment=false)',
        );
      const reason = 'nobody has tuned an editor for this model';
      await stage.client.branches.setPolicy(model, 'main', { ...defaultPolicy, gate: lenientGate, reason });
      return head;
    },
    edits: worldFacts,
    config: measured ? {} : { second_moment: false },
  };
}
