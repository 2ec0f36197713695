// Whether the server has a page at a fixed address. Navigation asks this instead of keeping a list.

import type { FastifyInstance } from 'fastify'
import type { IsPage } from '../../kit/navigation.ts'

export const isPageOf =
  (app: FastifyInstance): IsPage =>
  (path) =>
    app.hasRoute({ method: 'GET', url: path })
