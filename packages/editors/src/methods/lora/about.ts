// LoRA, described: fine-tuning an adapter of low rank (Hu et al. 2021).
import type { EditorDescription } from '../../description.ts';
import { held, layout } from '../deviations.ts';
import { missingLayer } from '../layers.ts';
import { loraSettings } from './settings.ts';

export const lora = {
  title: 'LoRA: fine-tune a change of low rank beside the maps of attention, or of the MLPs',
  paper: 'Hu et al. 2021, LoRA: Low-Rank Adaptation of Large Language Models',
  settings: loraSettings,
  defaults: [
    {
      match: {},
      settings: () => ({
        rank: 8,
        alpha: 32,
        targets: ['query', 'value'],
        layers: null,
        epochs: 70,
        batch_size: 1,
        weight_decay: 0,
        stop_loss: 1e-2,
      }),
      source: 'EasyEdit, hparams/LoRA/llama-7b.yaml, without its dropout',
    },
    {
      match: {},
      settings: () => ({ learning_rate: 1e-3 }),
      source:
        'measured on forty edits of atlas in one batch: reliability 1, 39 written exactly; with the 5e-3 of that file 0.225, none, the model is lost',
    },
  ],
  misfit: ({ layers }, shape) => missingLayer('layers', layers ?? [], shape),
  needs: () => [],
  batched: true,
  subject: 'none',
  overEncoder: null,
  leaves: ['low_rank'],
  reference: {
    code: 'the LoRA repository (its adapters), and EasyEdit (how they are trained on edits)',
    compared: 'Changes of matrices',
    agreement: 3e-5,
    deviations: [
      {
        reference: 'Keeps A and B beside the matrix, or merges them into it and forgets them',
        here: 'Leaves alpha / rank times A B as a delta of low rank',
        why: 'It is installed, measured and taken back as any other delta',
      },
      {
        reference: 'Drops inputs of the adapter at random while it is trained (`lora_dropout: 0.1`)',
        here: 'Drops none',
        why: 'A batch is a few facts, to be learnt as they are',
      },
      {
        reference:
          "Takes every step; EasyEdit can make the adapters AdaLoRA's, which take ranks away while they are trained",
        here: 'Ends below `stop_loss`; ranks stay',
        why: 'What is learnt is not learnt again, and nothing else is pushed away for it',
      },
      {
        reference:
          'EasyEdit joins prompt and target as text behind one space, and trains on the mark of the end of a text behind them too',
        here: layout.here,
        why: `${layout.why}; what follows an answer is not part of it`,
      },
      { ...held, reference: 'Trains on an edit that the model holds already like on any other' },
    ],
  },
  load: () => import('#methods/lora/edit'),
} as const satisfies EditorDescription<typeof loraSettings>;
