// How the dashboard is built, and served while it is worked on: `npm run dev -w apps/web` beside a running stack.
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  build: {
    target: 'es2022',
    manifest: true,
    // No file is drawn into another: the page's policy lets none come from within.
    assetsInlineLimit: 0,
    // What counts is how much a page takes, packed: test/size.test.ts.
    chunkSizeWarningLimit: 1000,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      // Libraries say for frameworks that draw pages on servers which of them belong in browsers; here all do.
      onwarn: (warning, warn) => (warning.code === 'MODULE_LEVEL_DIRECTIVE' ? undefined : warn(warning)),
    },
  },
  server: {
    proxy: Object.fromEntries(
      ['/v1', '/bull-board'].map((path) => [path, process.env.ERRATA_URL ?? 'http://127.0.0.1:7700']),
    ),
  },
});
