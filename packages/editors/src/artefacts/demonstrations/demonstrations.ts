// Demonstrations as they are stored: of each edit its statement, what else asks for it, and what is answered as before.
import { ErrataError } from '@errata/contracts';
import { z } from 'zod';
import { demonstrationFormat } from './request.ts';

const probe = z.strictObject({ prompt: z.string().min(1), target: z.string().min(1) });

export const demonstrationSchema = z.strictObject({
  prompt: z.string().min(1),
  /** Empty where nobody said. */
  subject: z.string(),
  target_new: z.string().min(1),
  /** Other prompts that ask for the new answer; at least one. */
  rephrases: z.array(z.string().min(1)).min(1),
  /** Prompts about something else, with their answers; at least one. */
  neighbours: z.array(probe).min(1),
});
export type Demonstration = Readonly<z.output<typeof demonstrationSchema>>;

const storedSchema = z.strictObject({
  format: z.literal(demonstrationFormat),
  demonstrations: z.array(demonstrationSchema).min(1),
});

export function encodeDemonstrations(demonstrations: readonly Demonstration[]): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: demonstrationFormat, demonstrations }));
}

/** @throws ErrataError `blob_corrupt` */
export function decodeDemonstrations(bytes: Uint8Array): readonly Demonstration[] {
  try {
    return storedSchema.parse(JSON.parse(new TextDecoder().decode(bytes))).demonstrations;
  } catch (cause) {
    throw new ErrataError('blob_corrupt', 'stored demonstrations cannot be read', { cause });
  }
}
