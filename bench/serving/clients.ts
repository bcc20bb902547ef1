// Clients of a server that speaks the widespread completion API, in a process of their own.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** One request for a streamed answer. */
export interface Asking {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

export interface Answered {
  /** Milliseconds from sending the request to the first text. */
  readonly firstToken: number;
  readonly tokens: number;
}

/** What clients got who asked at once. */
export interface Asked {
  readonly answers: readonly Answered[];
  readonly seconds: number;
  /** Processor time of the clients. */
  readonly cpuSeconds: number;
}

export interface Clients {
  /** Has every client ask one request after another. @throws Error for an answer that is not whole */
  readonly ask: (clients: readonly (readonly Asking[])[]) => Promise<Asked>;
  readonly close: () => void;
}

export function startClients(): Clients {
  const child = fork(fileURLToPath(new URL('./client-process.ts', import.meta.url)));
  return {
    ask: async (clients) => {
      child.send(clients);
      const [answer] = (await once(child, 'message')) as [Asked | { readonly failed: string }];
      if ('failed' in answer) throw new Error(answer.failed);
      return answer;
    },
    close: () => child.disconnect(),
  };
}
