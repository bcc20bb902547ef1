// A proxy between a client of HTTP and its server that does harm: waits, breaks off, refuses, changes bytes, or loses answers.
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type HttpFault =
  | 'none'
  /** Half of the answer's body, and then no more. */
  | 'cut'
  /** Half of the answer's body, and then nothing, with the connection open. */
  | 'stall'
  | 'slow'
  /** Refused, and not handed on. */
  | '503'
  /** One bit of the answer's body is another. */
  | 'wrong-bytes'
  /** One bit of the request's body is another. */
  | 'wrong-request'
  /** Done by the server, and nobody is told. */
  | 'lost-answer';

export interface FaultProxy {
  readonly endpoint: string;
  /** What happens to each request from here on; counts from 0 for each call of this. */
  harm(fault: (request: IncomingMessage, count: number) => HttpFault): void;
  /** Faults done since the last call of {@link harm}. */
  done(): number;
  stop(): Promise<void>;
}

export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let faultOf: (request: IncomingMessage, count: number) => HttpFault = () => 'none';
  let [count, done] = [0, 0];
  const server = createServer((incoming, outgoing) => {
    const fault = faultOf(incoming, count++);
    if (fault !== 'none') done += 1;
    void forward(target, fault, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    harm(fault) {
      [faultOf, count, done] = [fault, 0, 0];
    },
    done: () => done,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function forward(target: string, fault: HttpFault, incoming: IncomingMessage, outgoing: ServerResponse) {
  let body = await whole(incoming);
  if (fault === '503') {
    outgoing.writeHead(503, { 'content-type': 'application/xml' });
    outgoing.end('<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>');
    return;
  }
  if (fault === 'slow') await sleep(300);
  if (fault === 'wrong-request') body = oneBitOther(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    // The host stays the one that the client signed for.
    const { method, url: path, headers } = incoming;
    const sent = request(new URL(target), { method, path, headers, agent: false }, resolve);
    sent.on('error', reject);
    sent.end(body);
  });
  const content = await whole(answer);
  if (fault === 'lost-answer') return outgoing.destroy();
  outgoing.writeHead(answer.statusCode ?? 500, answer.rawHeaders);
  if (fault === 'cut' || fault === 'stall') {
    outgoing.write(content.subarray(0, Math.floor(content.length / 2)));
    if (fault === 'cut') setTimeout(() => outgoing.destroy(), 20);
    return;
  }
  outgoing.end(fault === 'wrong-bytes' ? oneBitOther(content) : content);
}

async function whole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function oneBitOther(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[Math.floor(copy.length / 2)]! ^= 1;
  return copy;
}
