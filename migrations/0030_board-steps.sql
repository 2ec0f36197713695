-- Periods that do not begin with a month are few, and the board asks for them: all others are not read.
create index bill_periods_further on bill_periods (period_from, contract_id)
  where extract(day from period_from) <> 1;
