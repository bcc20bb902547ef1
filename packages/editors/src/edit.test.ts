// Edits that name no subject: made by editors that need none, refused by name by the others.
import { expect, test } from 'vitest';
import { edit } from './edit.ts';
import { tinyFtM } from './methods/fine-tune/tiny.fixture.ts';
import { tinyRome } from './methods/rome/tiny.fixture.ts';
import { someEdits, tinySetup } from './methods/setups.fixture.ts';

test('an edit without a subject is made where none is needed, and else fails alone, naming the editor', async () => {
  const { inputOf } = await tinySetup();
  const [{ subject: _, ...nameless }, other] = [someEdits[0]!, someEdits[1]!];
  const made = await edit('ft-m', inputOf(tinyFtM, [nameless]));
  expect(made.outcomes).toMatchObject([{ custom_id: 'anna', outcome: 'applied' }]);

  const needy = inputOf({ ...tinyRome, second_moment: false, steps: 2 }, [nameless, other]);
  await expect(edit('rome', needy)).rejects.toMatchObject({
    code: 'subject_missing',
    message: expect.stringMatching(
      /^anna: ROME changes what the model knows of a subject, and the edit names none; .*FT-M.* need none$/,
    ),
  });
  const { outcomes, deltas } = await edit('rome', needy, { onError: 'continue' });
  expect(outcomes).toMatchObject([
    { custom_id: 'anna', outcome: 'failed', error: { code: 'subject_missing' } },
    { custom_id: 'boris', outcome: 'applied' },
  ]);
  expect(deltas.flatMap(({ custom_ids }) => custom_ids)).toEqual(['boris']);
});
