// What editing and answering cost as edits pile up: answers one at a time, without batches and caches, beside the base's.
import type { ProtocolUnit } from '@errata/contracts';
import { encodePrompt, type View } from '@errata/models';
import type { DatasetCase } from '../datasets/cases.ts';
import type { PreparedEditor } from './inputs.ts';
import { type Meter, makeEditsOf, openUnit, type Steps, startMeter, type Work } from './work.ts';

/** Tokens of an answer: as many are generated of every version, so that times compare. */
const answerTokens = 16;

/** Names of the units that hold the costs of a checkpoint. */
export const efficiencyUnits = (edits: number) => ({
  edits: `edits to ${edits}`,
  base: `base beside ${edits}`,
  edited: `answers at ${edits}`,
});

/**
 * Edits one after another; at each checkpoint the base and the edited version answer the same prompts by turns, so that what
 * else the machine does falls on both alike. Nothing is scored: the rows of this protocol are its costs.
 */
export async function efficiency(work: Work, editor: PreparedEditor): Promise<Steps> {
  const { run, input, base } = work;
  const saved = await run.loadState();
  const kept = saved?.step ?? 0;
  let meter = startMeter(work);
  const edited = ({ kind, reached }: ProtocolUnit) => kind === 'ask' || work.advance('editing', 1, reached);
  return {
    open: (units) => units.filter(({ reached }) => reached > kept).map((unit) => openUnit(input, unit)),
    from: async () => {
      const view = saved === undefined ? base : input.model.restore(saved.state);
      // The first run of a shape is a compilation.
      await answer(view, work, input.cases[0]!);
      meter = startMeter(work);
      return view;
    },
    make: async ([open], view) => {
      const { unit, cases } = open!;
      const { view: candidate } = await makeEditsOf(work, editor, view, cases, meter);
      edited(unit);
      return input.model.restore(candidate.state());
    },
    ask: async ({ unit: { reached }, cases }, view) => {
      const names = efficiencyUnits(reached);
      const nothing = { cases: [], rows: [] };
      const [ofBase, ofEdited] = [startMeter(work), startMeter(work)];
      const ofEdits = meter.cost();
      for (const asked of cases) {
        await timed(base, work, asked, ofBase);
        await timed(view, work, asked, ofEdited);
      }
      await run.commit({ name: names.edits, cost: ofEdits }, nothing);
      await run.commit({ name: names.base, cost: ofBase.cost() }, nothing);
      await run.commit({ name: names.edited, cost: ofEdited.cost() }, nothing);
      await run.saveState(reached, view.state());
      meter = startMeter(work);
    },
    skipped: edited,
  };
}

async function timed(view: View, work: Work, asked: DatasetCase, meter: Meter): Promise<void> {
  const tokens = await meter.time('answer_seconds', () => answer(view, work, asked));
  meter.note({ answers: 1, answer_tokens: tokens });
}

/** @returns tokens read and generated */
async function answer(view: View, { input: { tokenizer } }: Work, { edits: [edit] }: DatasetCase): Promise<number> {
  const prompt = encodePrompt(tokenizer, edit!.prompt);
  const [generated] = await view.generate([prompt], { maxTokens: answerTokens });
  return prompt.length + generated!.tokens.length;
}
