// A collector of OpenTelemetry's traces for tests: takes what is sent by OTLP over HTTP, and keeps it.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ReceivedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Undefined for one that begins its trace. */
  readonly parentSpanId?: string;
  /** 0 unset, 1 fine, 2 an error. */
  readonly status: { readonly code?: number };
  readonly attributes: Readonly<Record<string, unknown>>;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly boolValue?: boolean;
}
type Attributes = readonly { readonly key: string; readonly value: Value }[];
interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Attributes };
    readonly scopeSpans: readonly { readonly spans: readonly (ReceivedSpan & { readonly attributes: Attributes })[] }[];
  }[];
}

const plain = (attributes: Attributes): Record<string, unknown> =>
  Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, boolValue } }) => [
      key,
      stringValue ?? (intValue === undefined ? boolValue : Number(intValue)),
    ]),
  );

export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = [];
  const bodies: { readonly type: string; readonly bytes: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [bytes, type] = [Buffer.concat(chunks), request.headers['content-type'] ?? ''];
    bodies.push({ type, bytes });
    if (type === 'application/json')
      for (const { resource, scopeSpans } of (JSON.parse(bytes.toString()) as Request).resourceSpans)
        for (const span of scopeSpans.flatMap(({ spans }) => spans))
          spans.push({
            ...span,
            service: String(plain(resource.attributes)['service.name']),
            attributes: plain(span.attributes),
          });
    response.writeHead(200, { 'content-type': type }).end(type === 'application/json' ? '{}' : '');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What has come, of the bodies that are JSON. */
    spans,
    bodies,
    /** Waits until something is so. */
    until: async <T>(look: () => T | undefined): Promise<T> => {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        await sleep(50);
      }
    },
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
