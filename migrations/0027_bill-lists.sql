-- Bills of a month; the few periods that do not begin with their month; since when what is open has been so.
create index bills_period on bills (period_from, id);
create index bill_periods_part on bill_periods (period_from, contract_id) where extract(day from period_from) <> 1;
drop index bill_periods_open;
create index bill_periods_open on bill_periods (period_from, state, code, contract_id) include (since)
  where state <> 'billed';
