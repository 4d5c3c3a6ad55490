-- Users of an identity provider: which account is whose. All in C.

CREATE FUNCTION timetrackr.external_user(
    issuer text,
    subject text,
    issued_at timestamptz,
    username text DEFAULT NULL,
    email text DEFAULT NULL
)
RETURNS bigint
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_external_user';
COMMENT ON FUNCTION timetrackr.external_user(text, text, timestamptz, text, text) IS
'Returns the id of the user whom an identity provider, issuer, knows as subject; at first sight an account is created, without a password. The caller has verified the token, which was issued at issued_at. username and email are the provider''s, and only wishes: one that is not valid is ignored, a taken username gets a suffix, and an email that has an account already is replaced by a random one at external.invalid, so that nobody takes an account over by naming its email. Errors: 401 invalid_token when the account was deleted after issued_at; 422 missing_field, invalid_external_id.';

CREATE FUNCTION timetrackr.link_external_id(
    user_id bigint,
    issuer text,
    subject text
)
RETURNS void
LANGUAGE C
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'tt_link_external_id';
COMMENT ON FUNCTION timetrackr.link_external_id(bigint, text, text) IS
'For the operator: from now on user_id is the account of whom the identity provider, issuer, knows as subject; both null: of nobody. Errors: 404 user_not_found; 409 external_id_taken when another account is; 422 missing_field, invalid_external_id.';
