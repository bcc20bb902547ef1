// What executed the operators of a program, as a profile of onnxruntime tells.

/** Where the operators of one run of a program were executed. */
export interface Placement {
  /** By operator, how often it was executed by what (`CPU`, `WebGpu`, `CUDA`). Copies are left out. */
  readonly operators: ReadonlyMap<string, Readonly<Record<string, number>>>;
  /** Copies of tensors between host and device inside the run; what is fed and what comes out is copied besides. */
  readonly copies: number;
}

/** What is read of an event of a profile (the trace format of Chromium). */
interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args: { readonly op_name?: string; readonly provider?: string };
}

/**
 * Reads a profile of the first run of a program, made where `ERRATA_PROFILES` says.
 * @param profile its text
 */
export function placementOf(profile: string): Placement {
  const events = JSON.parse(profile) as readonly ProfileEvent[];
  const operators = new Map<string, Record<string, number>>();
  let copies = 0;
  for (const { cat, name, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue;
    const operator = args.op_name!;
    if (operator.startsWith('Memcpy')) copies += 1;
    else {
      const counts = operators.get(operator) ?? {};
      operators.set(operator, counts);
      const provider = args.provider!.replace('ExecutionProvider', '');
      counts[provider] = (counts[provider] ?? 0) + 1;
    }
  }
  return { operators, copies };
}
