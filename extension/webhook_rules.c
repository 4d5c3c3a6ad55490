/*
 * webhook_rules.c: what the URL of a webhook must be. Where it leads to is
 * found out when it is connected to, by the proxy.
 */
#include "webhook.h"

#include "arguments.h"
#include "error.h"

static _Noreturn void
refuse(const char *why)
{
	tt_raise(422, "invalid_url", "url", NULL, "%s", why);
	pg_unreachable();
}

/* host, host:port, [address] or [address]:port, of so many bytes */
static bool
is_authority(const char *s, size_t length)
{
	const char *letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t		host;
	long		port = 0;

	if (length > 0 && s[0] == '[')
	{
		host = 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		if (host < 3 || host >= length || s[host] != ']')
			return false;
		host++;
	}
	else
		host = Min(strspn(s, letters), length);
	if (host == 0 || host == length)
		return host > 0;
	if (s[host] != ':' || length - host > 6 || length - host < 2)
		return false;
	for (size_t i = host + 1; i < length; i++)
	{
		if (s[i] < '0' || s[i] > '9')
			return false;
		port = port * 10 + (s[i] - '0');
	}
	return port >= 1 && port <= 65535;
}

char *
tt_clean_webhook_url(const char *given, bool plain)
{
	char	   *url = tt_trim(given);
	bool		https = pg_strncasecmp(url, "https://", 8) == 0;
	bool		http = pg_strncasecmp(url, "http://", 7) == 0;
	const char *authority = url + (https ? 8 : 7);

	if (strlen(url) > TT_WEBHOOK_URL_MAX_BYTES)
		refuse("a webhook's URL has at most 2000 characters");
	for (const char *c = url; *c != '\0'; c++)
	{
		if (*c <= ' ' || *c > '~' || strchr("\"<>\\^`{|}", *c) != NULL)
			refuse("a webhook's URL has visible ASCII characters only; escape others");
	}
	if (!https && !http)
		refuse("a webhook's URL begins with https://");
	if (strchr(url, '#') != NULL)
		refuse("a webhook's URL has no fragment");
	if (!is_authority(authority, strcspn(authority, "/?")))
		refuse("a webhook's URL names a host, with a port if need be, and no user");
	if (http && !plain)
		tt_raise(422, "url_not_https", "url", NULL, "a webhook's URL begins with https://");
	return url;
}
