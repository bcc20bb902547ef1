// What the dashboard is looked at on.
import type { BrowserContextOptions } from 'playwright-core';

export interface Device {
  readonly name: 'desktop' | 'phone';
  readonly options: BrowserContextOptions;
}

export const devices: readonly Device[] = [
  { name: 'desktop', options: { viewport: { width: 1280, height: 800 } } },
  { name: 'phone', options: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true } },
];
