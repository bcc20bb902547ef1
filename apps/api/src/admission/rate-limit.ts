// A token bucket for each API key: short bursts pass, a flood is told when to come back.
import { ErrataError } from '@errata/contracts';

export interface RateLimiter {
  /** @throws ErrataError `rate_limited` with `retry_after_seconds` */
  take(owner: string): void;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

const keptBuckets = 10_000;

/**
 * @param perMinute requests a minute and the size of a burst; 0 lets everything pass. Counted by this process alone:
 * several API processes allow as many times that.
 * @param now milliseconds of a clock that only moves forward
 */
export function createRateLimiter(perMinute: number, now: () => number = () => performance.now()): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return {
    take(owner) {
      if (perMinute === 0) return;
      const time = now();
      const bucket = buckets.get(owner) ?? { tokens: perMinute, filledAt: time };
      bucket.tokens = Math.min(perMinute, bucket.tokens + ((time - bucket.filledAt) / 60_000) * perMinute);
      bucket.filledAt = time;
      // Most recently used last, so that the oldest can be dropped: it has filled up again anyway.
      buckets.delete(owner);
      buckets.set(owner, bucket);
      if (buckets.size > keptBuckets) buckets.delete(buckets.keys().next().value!);
      if (bucket.tokens < 1) {
        const seconds = Math.ceil(((1 - bucket.tokens) / perMinute) * 60);
        throw new ErrataError('rate_limited', `this key may send ${perMinute} requests a minute`, {
          details: { retry_after_seconds: seconds },
        });
      }
      bucket.tokens -= 1;
    },
  };
}
