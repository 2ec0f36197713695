// The few static files, under names that carry their hash: a browser may keep them for ever, and a
// new version has a new name.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { packageRoot } from '../../../../shared/node/root.ts'
import { ICON } from '../../kit/icon.ts'

interface Asset {
  readonly path: string
  readonly type: string
  readonly content: Buffer
  readonly etag: string
}

export interface Assets {
  readonly style: string
  readonly icon: string
  /** Null when the island is not built: pages work without them. */
  readonly refresh: string | null
  readonly keys: string | null
}

const FOREVER = 'public, max-age=31536000, immutable'

export function serveAssets(app: FastifyInstance): Assets {
  const root = packageRoot()
  const style = assetOf('style', 'css', readFileSync(join(root, 'services/billing/kit/style.css')))
  const icon = assetOf('icon', 'svg', Buffer.from(ICON))
  const island = (name: string): Asset | null => {
    const file = join(root, `dist/islands/${name}.js`)
    return existsSync(file) ? assetOf(name, 'js', readFileSync(file)) : null
  }
  const [refresh, keys] = [island('refresh'), island('keys')]
  for (const asset of [style, icon, refresh, keys]) if (asset !== null) serve(app, asset)
  const scripts = { refresh: refresh?.path ?? null, keys: keys?.path ?? null }
  return { style: style.path, icon: icon.path, ...scripts }
}

const TYPES = {
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  js: 'text/javascript; charset=utf-8',
} as const

function assetOf(name: string, ending: keyof typeof TYPES, content: Buffer): Asset {
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 16)
  return {
    path: `/assets/${name}-${hash}.${ending}`,
    type: TYPES[ending],
    content,
    etag: `"${hash}"`,
  }
}

function serve(app: FastifyInstance, asset: Asset): void {
  app.get(asset.path, async (request, reply) => {
    void reply.header('etag', asset.etag).header('cache-control', FOREVER)
    if (request.headers['if-none-match'] === asset.etag) return reply.code(304).send()
    return reply.type(asset.type).send(asset.content)
  })
}
