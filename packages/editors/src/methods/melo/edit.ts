// MELO: edits get LoRA blocks, some sharing one, and prompts that come near theirs get the block (Yu et al. 2024).
import { blocksName, captureName, type LoraBlockDelta, memoryAt } from '@errata/models';
import type { EditOutcome, Editor, EditorDelta } from '../../editor.ts';
import { alreadyHolds, attempt, attemptEach, heldOutcome, nllOnly, requireChange } from '../../outcomes.ts';
import { layOutEdit, promptIds, targetProbabilities } from '../../texts/teacher-forcing.ts';
import { sequenceSource } from '../../texts/tokenizer.ts';
import { inRuns } from '../one-pass-editor.ts';
import type { MeloSettings } from './settings.ts';
import { trainBlock } from './training.ts';

/** MELO. Edits that share a block share a delta; a block is trained on the weights alone, whatever blocks there are. */
export const edit: Editor<MeloSettings> = async (editorInput, options) => {
  const { view, edits, config, seed } = editorInput;
  const { layer, targets, rank, radius } = config;
  const { onProgress } = options;
  const keySize = view.spec.mlpWidth;
  const source = sequenceSource(editorInput);
  const outcomes = new Map<string, EditOutcome>();
  const note = (more: Iterable<EditOutcome>) => {
    for (const outcome of more) outcomes.set(outcome.custom_id, outcome);
  };
  const { made: laidOut, failed } = await attemptEach(edits, options, (edit) => layOutEdit(source, edit));
  note(failed);
  const before = await targetProbabilities(view, laidOut);
  const starts = laidOut.map((one, i) => ({ ...one, probability: before[i]!, loss: nllOnly(-Math.log(before[i]!)) }));
  const open = starts.filter(({ edit, loss, probability }) => {
    const holds = alreadyHolds(loss, config);
    if (holds) note([heldOutcome(edit.custom_id, loss, probability)]);
    return !holds;
  });
  let served = view;
  const deltas: EditorDelta[] = [];
  for (const [index, run] of inRuns(open, config.block_edits).entries()) {
    const asked = run.map(({ edit }) => edit);
    const custom_ids = asked.map(({ custom_id }) => custom_id);
    const lost = await attempt(asked, options, async () => {
      const there = memoryAt(served.memories, 'lora_blocks', blocksName({ layer, targets }))?.blocks.length ?? 0;
      const done = index * config.block_edits;
      const sequences = run.map(({ sequence }) => sequence);
      const { factors, steps, losses } = await trainBlock(
        view,
        config,
        sequences,
        { seed, stream: there },
        options,
        (step, loss) => onProgress?.({ phase: 'train', done, edits: edits.length, step, steps: config.steps, loss }),
      );
      requireChange(
        factors.map(({ b }) => b),
        targets[0]!,
        custom_ids,
      );
      const site = { site: 'mlp_pre', layer } as const;
      const points = await view.activations(sequences.map(promptIds), [site], 'last');
      const delta: LoraBlockDelta = {
        kind: 'lora_block',
        layer,
        keySize,
        targets,
        rank,
        radius: Math.fround(radius),
        points: points.get(captureName(site))!,
        labels: sequences.map(({ targetIds }) => targetIds.join(' ')),
        factors,
      };
      served = served.with([delta]);
      deltas.push({ delta, custom_ids });
      const after = await targetProbabilities(served, run);
      note(
        run.map(({ edit: { custom_id }, loss, probability }, i) => ({
          custom_id,
          outcome: 'applied',
          diagnostics: {
            steps,
            first_loss: loss,
            last_loss: nllOnly(losses[i]!),
            target_probability: { before: probability, after: after[i]! },
            deltas: [],
          },
        })),
      );
    });
    note(lost.values());
  }
  onProgress?.({ phase: 'train', done: edits.length, edits: edits.length });
  return { deltas, outcomes: edits.map(({ custom_id }) => outcomes.get(custom_id)!) };
};
