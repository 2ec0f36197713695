// The operators' pages of customers, service points, accounts and installations.

import type { FastifyInstance } from 'fastify'
import type { Door } from '../../kit/door.ts'
import { bulkRoutes } from './bulk-routes.ts'
import { contractChangeRoutes } from './contract-changes.ts'
import { contractRoutes } from './contract-routes.ts'
import { customerRoutes } from './customer-routes.ts'
import type { CustomerDeps } from './deps.ts'
import { installationRoutes } from './installation-routes.ts'
import { servicePointRoutes } from './point-routes.ts'

export function customerPages(app: FastifyInstance, deps: CustomerDeps, page: Door): void {
  customerRoutes(app, deps, page)
  servicePointRoutes(app, deps, page)
  contractRoutes(app, deps, page)
  contractChangeRoutes(app, deps, page)
  installationRoutes(app, deps, page)
  bulkRoutes(app, deps, page)
}
