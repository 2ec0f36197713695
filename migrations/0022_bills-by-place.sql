-- The bills before and after a period of a place: what one counts to is what the next counts from, whoever lived
-- there (services/billing/bills/db/before.ts).
create index bills_point on bills (service_point_id, period_from);
