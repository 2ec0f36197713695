-- Whoever publishes a version is told of bills that its first day comes before.
create index bills_tariff on bills (tariff_version_id, period_from);
