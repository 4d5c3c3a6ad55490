/*
 * place.c: addresses made coarse (see place.h).
 */
#include "place.h"

#include "arguments.h"

#include <arpa/inet.h>

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

/* Longer texts are no addresses. */
#define ADDRESS_MAX_BYTES 64

char *
tt_place(const char *address)
{
	struct in6_addr six;
	char		text[INET6_ADDRSTRLEN];

	if (address == NULL)
		return NULL;
	if (strlen(address) > ADDRESS_MAX_BYTES)
		return pnstrdup(address, pg_mbcliplen(address, (int) strlen(address), ADDRESS_MAX_BYTES));
	if (inet_pton(AF_INET6, address, &six) != 1)
		return pstrdup(address);
	if (IN6_IS_ADDR_V4MAPPED(&six))
	{
		if (inet_ntop(AF_INET, &six.s6_addr[12], text, sizeof(text)) == NULL)
			elog(ERROR, "timetrackr: an IPv4 address does not fit");
		return pstrdup(text);
	}
	memset(&six.s6_addr[8], 0, 8);
	if (inet_ntop(AF_INET6, &six, text, sizeof(text)) == NULL)
		elog(ERROR, "timetrackr: an IPv6 address does not fit");
	return psprintf("%s/64", text);
}

char *
tt_place_argument(FunctionCallInfo fcinfo, int n)
{
	if (PG_ARGISNULL(n))
		return NULL;
	return tt_place(tt_trim(TextDatumGetCString(PG_GETARG_DATUM(n))));
}
