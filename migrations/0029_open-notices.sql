-- What was not sent yet is a small part of all notices: the lists of it do not read the rest.
create index notices_open on notices (state, id) where state <> 'sent';
