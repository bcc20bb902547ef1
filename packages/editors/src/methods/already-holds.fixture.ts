// Edits that a model holds already, as every editor takes them: a success without a delta, whatever else is in the batch.
import { deltaDigest } from '@errata/models';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EditorName } from '../catalogue.ts';
import { edit } from '../edit.ts';
import type { EditDiagnostics, EditRequest } from '../editor.ts';
import { appliedDiagnostics, someEdits, tinySetup } from './setups.fixture.ts';

const lost: EditRequest = { custom_id: 'lost', prompt: 'Anna lives in', subject: 'Dmitri', target_new: 'Oslo' };

const firstLoss = ({ first_loss }: EditDiagnostics): number => first_loss.total;

/**
 * What every editor does with them.
 * @param settings that let it move a tiny model
 * @param lossOf what it compares with `stop_loss`, of an edit that was made
 */
export function leavesAloneWhatHolds<Settings extends { readonly stop_loss: number }>(
  name: EditorName,
  settings: Settings,
  lossOf = firstLoss,
): void {
  const at = (limit: number): Settings => ({ ...settings, stop_loss: limit });
  describe(`${name}, given an edit that already holds`, () => {
    let setup: Awaited<ReturnType<typeof tinySetup>>;
    /** Two edits, and a `stop_loss` below which the model has the loss of the first alone. */
    let held: EditRequest;
    let other: EditRequest;
    let stop_loss: number;
    const outcomesOf = async (edits: readonly EditRequest[], onError: 'stop' | 'continue' = 'stop') => {
      const { deltas, outcomes } = await edit(name, setup.inputOf(at(stop_loss), edits), { onError });
      return {
        deltas: deltas.map(({ delta, custom_ids }) => ({ digest: deltaDigest(delta), custom_ids })),
        outcomes: outcomes.map(({ custom_id, outcome }) => [custom_id, outcome]),
      };
    };

    beforeAll(async () => {
      setup = await tinySetup();
      const losses: { one: EditRequest; loss: number }[] = [];
      for (const one of someEdits.slice(0, 4)) {
        const { outcomes } = await edit(name, setup.inputOf(settings, [one]));
        losses.push({ one, loss: lossOf(appliedDiagnostics(outcomes[0])) });
      }
      losses.sort((a, b) => a.loss - b.loss);
      [held, other] = [losses[0]!.one, losses[1]!.one];
      stop_loss = (losses[0]!.loss + losses[1]!.loss) / 2;
    });

    it('has nothing to do, and says so', async () => {
      const result = await edit(name, setup.inputOf(at(stop_loss), [held]));
      expect(result).toMatchObject({
        deltas: [],
        outcomes: [{ custom_id: held.custom_id, outcome: 'already_holds', diagnostics: { steps: 0, deltas: [] } }],
      });
    });

    it('does to the others of the batch what it does without it', async () => {
      const alone = await outcomesOf([other]);
      expect(alone.outcomes).toEqual([[other.custom_id, 'applied']]);
      const both = await outcomesOf([held, other]);
      expect(both).toEqual({
        deltas: alone.deltas,
        outcomes: [
          [held.custom_id, 'already_holds'],
          [other.custom_id, 'applied'],
        ],
      });
    });

    it('tells it from edits that fail', async () => {
      await expect(outcomesOf([held, lost])).rejects.toMatchObject({ code: 'subject_not_in_prompt' });
      const outcomes = [
        [lost.custom_id, 'failed'],
        [held.custom_id, 'already_holds'],
        [other.custom_id, 'applied'],
      ];
      expect(await outcomesOf([lost, held, other], 'continue')).toMatchObject({ outcomes });
      expect(await outcomesOf([lost, held], 'continue')).toEqual({ deltas: [], outcomes: outcomes.slice(0, 2) });
    });
  });
}
