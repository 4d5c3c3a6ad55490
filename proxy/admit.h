/*
 * admit.h - may this request come in? Decided from its head alone: route,
 * token, rate limits, and which type of answer is wanted.
 */
#ifndef TIMETRACKR_ADMIT_H
#define TIMETRACKR_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "client_address.h"
#include "limit.h"
#include "problem.h"
#include "service.h"
#include "target.h"
#include "token.h"
#include "upgrade.h"

/* What the head of a request says. All strings live as long as the request; NULL: absent. */
struct request_head
{
	const char *method;
	const char *target;			/* raw, /path?query */
	const char *peer;			/* the client's address, behind proxies that are trusted */
	const char *group;			/* whom limits take for one client: that address, or its network */
	const char *accept;
	const char *access_method;	/* Access-Control-Request-Method */
	const char *access_private; /* Access-Control-Request-Private-Network */
	const char *accept_encoding;
	const char *authorization;
	const char *cld_signature;	/* X-Cld-Signature and -Timestamp, of Cloudinary's notifications */
	const char *cld_timestamp;
	const char *content_type;
	const char *host;
	const char *idempotency_key;
	const char *if_none_match;
	const char *origin;
	const char *request_id;
	const char *traceparent;
	const char *user_agent;
	struct forwarded_for forwarded;
	struct upgrade_offer upgrade;
	bool		is_1_1;			/* HTTP/1.1, not 1.0 */
	bool		announces_body; /* has Content-Length or Transfer-Encoding */
	unsigned long long content_length;	/* 0 when not announced */
};

/* What was found out about it. */
struct admission
{
	const char *id;				/* the client's request id, if sane, or a new one */
	const char *address;		/* the client's: its peer's, or what a trusted proxy in front says */
	const char *group;			/* whom limits take for that client */
	const char *origin;			/* the Origin, when FRONTEND_URL lists it; else NULL */
	const struct static_file *file;	/* instead of a route; NULL: none */
	const struct catalog_route *route;	/* NULL: none */
	bool		is_options;		/* route is then not looked for */
	bool		wants_csv;		/* of a report: rather than JSON */
	bool		wants_page;		/* of a form: a browser has sent it */
	size_t	   *slots;			/* one of these is taken, to be given back in the end; NULL: none */
	unsigned	allowed;		/* methods of the path, as bits (1 << method) */
	int64_t		user_id;		/* 0: anonymous, or a newcomer */
	const struct token *newcomer;	/* of the identity provider's: whose user is to be found out; else NULL */
	int64_t		expires;		/* the user's token: in seconds since 1970 */
	const char *limit_name;
	struct limit_state limit;
};

/* The pattern of the route's path; NULL when there is no route. */
const char *admission_path(const struct admission *admission);

/* A new request id. */
const char *admit_new_id(struct service *service, struct arena *arena);

/* Note what every answer needs: the id, if it is sane, and the origin, if it is known. */
void		admit_note(const struct service *service, const struct request_head *head,
					   struct admission *admission);

/*
 * Find everything out; `admission` comes with a new id, which the client's replaces if it is sane.
 * False with the problem set when the request is refused;
 * the admission then holds what is known so far, `id` always.
 */
bool		admit(struct service *service, const struct request_head *head, struct arena *arena,
				  struct target *target, struct admission *admission, struct problem *problem);

/*
 * Is the body a form that a route without a body does not look at? Programs of mail send one along when
 * they end a subscription (RFC 8058).
 */
bool		admit_ignores_body(const struct catalog_route *route, const struct request_head *head);

/* Is a body of this length what the route reads? False with the problem set: 400, 411 or 415. */
bool		admit_body(const struct catalog_route *route, const struct request_head *head,
					   size_t length, struct problem *problem);

/* The methods of a path as the Allow header has them; NULL when memory is out. */
char	   *admit_allow(unsigned allowed, struct arena *arena);

#endif
