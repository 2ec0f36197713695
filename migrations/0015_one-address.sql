-- One address in a field of one: what is entered by hand meets the rule too; the rule in full is
-- services/billing/customers/core/addresses.ts. Rows from before stay as they are, and nothing is
-- sent to a wrong one (OPS-27) until it is corrected.

alter table customers
  add constraint customers_email_is_one_address check (
    email ~ '^[^[:cntrl:][:space:]@,;:<>()"\\]+@[^[:cntrl:][:space:]@,;:<>()"\\]+$'
    and octet_length(email) <= 254
  ) not valid,
  add constraint customers_phone_is_one_number check (phone ~ '^\+[1-9][0-9]{6,14}$') not valid;
