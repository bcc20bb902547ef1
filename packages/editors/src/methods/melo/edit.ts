// MELO: edits get LoRA blocks, some sharing one, and prompts that come near theirs get the block (Yu et al. 2024).
import { blocksName, captureName, memoryAt } from '@errata/models';
import { requireChange } from '../../outcomes.ts';
import { promptIds } from '../../texts/teacher-forcing.ts';
import { trainBeside } from '../../training/train-beside.ts';
import { editInRuns } from '../in-runs.ts';
import { blockOf } from './block.ts';
import type { MeloSettings } from './settings.ts';

/** MELO. Edits that share a block share a delta; a block is trained on the weights alone, whatever blocks there are. */
export const edit = editInRuns<MeloSettings>(
  ({ block_edits }) => block_edits,
  async ({ view, config, seed }, { run, custom_ids, served, onStep }, { signal }) => {
    const { layer, targets, rank, radius } = config;
    const there = memoryAt(served.memories, 'lora_blocks', blocksName({ layer, targets }))?.blocks.length ?? 0;
    const sequences = run.map(({ sequence }) => sequence);
    const block = blockOf(view, config, seed, there);
    const course = await trainBeside(view, block.beside, sequences, signal, onStep);
    const factors = block.factors();
    requireChange(
      factors.map(({ b }) => b),
      targets[0]!,
      custom_ids,
    );
    const site = { site: 'mlp_pre', layer } as const;
    const points = await view.activations(sequences.map(promptIds), [site], 'last');
    return {
      ...course,
      delta: {
        kind: 'lora_block',
        layer,
        keySize: view.spec.mlpWidth,
        targets,
        rank,
        radius: Math.fround(radius),
        points: points.get(captureName(site))!,
        labels: sequences.map(({ targetIds }) => targetIds.join(' ')),
        factors,
      },
    };
  },
);
