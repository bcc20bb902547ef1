// A gate in a file: what a policy or a schedule takes whole.
import { ErrataError, type GatePolicy, gatePolicySchema } from '@errata/contracts';
import { readText } from './files.ts';

/** @throws ErrataError `not_found`, `invalid_request` with every fault */
export async function readGate(path: string): Promise<GatePolicy> {
  const text = await readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ErrataError('invalid_request', `${path} is not JSON: ${(error as Error).message}`);
  }
  const parsed = gatePolicySchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ErrataError('invalid_request', `${path} is not a gate`, {
    errors: parsed.error.issues.map(({ path: place, message }) => ({
      code: 'invalid_request',
      field: place.map(String).join('.'),
      message,
    })),
  });
}
