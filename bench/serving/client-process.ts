// The clients: a process of their own, so that what they take is not counted for what they ask. Started by `clients.ts`.
import { Agent, request } from 'node:http';
import type { Answered, Asking } from './clients.ts';

const agent = new Agent({ keepAlive: true });

/** Streams one answer. */
function ask(asking: Asking): Promise<Answered> {
  const { url, headers, body } = asking;
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { ...headers, 'content-type': 'application/json' } });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // A server may close a connection that was idle just when it is used again.
      if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(ask(asking));
      else reject(error);
    });
    sent.on('response', (response) => {
      let firstToken: number | undefined;
      let text = '';
      response.setEncoding('utf8');
      response.on('error', reject);
      response.on('data', (chunk: string) => {
        firstToken ??= performance.now() - begun;
        text += chunk;
      });
      response.on('end', () => {
        const tokens = Number(/"completion_tokens": ?(\d+)/.exec(text)?.[1]);
        if (response.statusCode !== 200 || firstToken === undefined || !(tokens > 0) || !text.includes('data: [DONE]'))
          reject(new Error(`${response.statusCode}: the answer broke off: ${text.slice(-300)}`));
        else resolve({ firstToken, tokens });
      });
    });
    sent.end(JSON.stringify(body));
  });
}

process.on('disconnect', () => process.exit(0));
process.on('message', async (clients: readonly (readonly Asking[])[]) => {
  const begun = performance.now();
  const cpu = process.cpuUsage();
  try {
    const answers = await Promise.all(
      clients.map(async (asked) => {
        const own: Answered[] = [];
        for (const each of asked) own.push(await ask(each));
        return own;
      }),
    );
    const { user, system } = process.cpuUsage(cpu);
    process.send!({
      answers: answers.flat(),
      seconds: (performance.now() - begun) / 1000,
      cpuSeconds: (user + system) / 1e6,
    });
  } catch (error) {
    process.send!({ failed: String(error) });
  }
});
