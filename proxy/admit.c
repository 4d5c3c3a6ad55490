/*
 * admit.c - request id, origin, route, token, rate limit and type of the answer, in this order.
 */
#include "admit.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "accept.h"
#include "identity.h"
#include "image.h"
#include "static.h"
#include "text.h"

#define REQUEST_ID_MAX 64

/* So many imports may be under way in a worker, from the first byte of their bodies on. */
#define DOCUMENTS_MAX 4

/* The same for pictures. */
#define IMAGES_MAX 32

/* Is this a request id that may be repeated in headers and logs? */
static bool
is_sane_id(const char *id)
{
	size_t		length = id != NULL ? strlen(id) : 0;

	return length > 0 && length <= REQUEST_ID_MAX &&
		strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") == length;
}

/* Write a number as hexadecimal digits, the last one in front of `end`. */
static void
put_hex(char *end, uint64_t number, int digits)
{
	for (; digits > 0; digits--, number >>= 4)
		*--end = "0123456789abcdef"[number & 15];
}

const char *
admit_new_id(struct service *service, struct arena *arena)
{
	char	   *id = arena_take(arena, 16 + 8 + 1);

	if (id == NULL)
		return "-";
	put_hex(id + 16, service->id_prefix, 16);
	put_hex(id + 24, service->id_counter++, 8);
	id[24] = '\0';
	return id;
}

static const char *
known_origin(const struct config *config, const char *origin)
{
	for (size_t i = 0; origin != NULL && i < config->origin_count; i++)
		if (strcmp(config->origins[i], origin) == 0)
			return config->origins[i];
	return NULL;
}

/* Does it go to a page, as browsers do, rather than fetch something? */
static bool
wants_page(const struct request_head *head)
{
	return accept_weight(head->accept, "text/html") > accept_weight(head->accept, "application/json");
}

/*
 * Find the file of a path that is no route's for GET. A path that is nobody's at all may be one of the
 * web app's own, which looks at the address itself; a name with a dot would be a file's.
 */
static void
find_file(const struct statics *files, const struct request_head *head, const struct target *target,
		  const char *method, struct admission *admission)
{
	const struct static_file *file = statics_find(files, target->path, target->path_length);

	bool		is_get = strcmp(method, "GET") == 0;

	if (file == NULL && is_get && admission->allowed == 0 && wants_page(head) &&
		memchr(target->path, '.', target->path_length) == NULL)
		file = statics_page(files);
	if (file == NULL)
		return;
	admission->allowed |= 1u << METHOD_GET;
	if (is_get)
		admission->file = file;
}

/* Find the route; false with 404 or 405. */
static bool
find_route(const struct service *service, const struct request_head *head,
		   const struct target *target, struct admission *admission, struct problem *problem)
{
	const char *name = strcmp(head->method, "HEAD") == 0 ? "GET" : head->method;
	int			method = 0;

	admission->is_options = strcmp(name, "OPTIONS") == 0;
	while (method < METHOD_COUNT && strcmp(name, catalog_method_name(method)) != 0)
		method++;
	/* an unknown method matches no route, but the path may still be known */
	admission->route = target_match(service->catalog, (enum catalog_method) method, target,
									&admission->allowed);
	if (admission->route == NULL && service->files != NULL)
		find_file(service->files, head, target, name, admission);
	if (admission->allowed == 0)
		problem_set(problem, 404, "not_found", "There is nothing at this path.");
	else if (admission->route == NULL && !admission->is_options && admission->file == NULL)
		problem_set(problem, 405, "method_not_allowed", "This path does not know that method.");
	else
		return true;
	return false;
}

/* Copy what a provider's token says of somebody who is not known yet; NULL when memory is out. */
static const struct token *
copy_newcomer(const struct token *token, struct arena *arena)
{
	struct token *copy = arena_take(arena, sizeof *copy);
	const char **strings[] = {&copy->subject, &copy->username, &copy->email};

	if (copy == NULL)
		return NULL;
	*copy = *token;
	for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++)
	{
		if (*strings[i] == NULL)
			continue;
		*strings[i] = arena_copy(arena, *strings[i], strlen(*strings[i]));
		if (*strings[i] == NULL)
			return NULL;
	}
	return copy;
}

/*
 * Whose token is it? Nobody is looked for where it makes no difference: where a session
 * is opened, and where the proxy itself answers.
 */
static bool
name_viewer(const struct service *service, const struct token *token, struct arena *arena,
			struct admission *admission, struct problem *problem)
{
	const struct catalog_route *route = admission->route;

	admission->user_id = token->user_id;
	admission->expires = token->expires;
	if (token->subject == NULL || route->access == ACCESS_ANYONE ||
		(route->builtin != BUILTIN_NONE && route->builtin != BUILTIN_LIVE))
		return true;
	admission->user_id = identity_known(service->identities, token);
	if (admission->user_id != 0)
		return true;
	admission->newcomer = copy_newcomer(token, arena);
	if (admission->newcomer == NULL)
		problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
	return admission->newcomer != NULL;
}

/*
 * Who sends it? A token that is present must be good. One that has merely
 * expired does no harm where a new session is opened: clients tend to send it along.
 */
static bool
find_viewer(const struct service *service, const struct request_head *head, struct arena *arena,
			struct admission *admission, struct problem *problem)
{
	const char *text = head->authorization;
	struct token token;
	enum token_status status = TOKEN_BAD;

	/* a browser cannot set the header of a WebSocket's handshake */
	if (text == NULL && admission->route->builtin == BUILTIN_LIVE)
		text = upgrade_authorization(&head->upgrade, arena);
	if (text == NULL || service->tokens == NULL)
	{
		if (admission->route->access != ACCESS_USER)
			return true;
		problem_set(problem, 401, "missing_token", "This needs an access token.");
		return false;
	}
	if (strncasecmp(text, "Bearer ", 7) == 0)
	{
		text += 7;
		text += strspn(text, " ");
		status = token_verify(service->tokens, text, strlen(text), time(NULL), &token);
	}
	if (status == TOKEN_OK)
		return name_viewer(service, &token, arena, admission, problem);
	if (status == TOKEN_EXPIRED && admission->route->access == ACCESS_ANYONE)
		return true;
	problem_set(problem, 401, "invalid_token", status == TOKEN_EXPIRED
				? "The access token has expired." : "The access token is not valid.");
	return false;
}

static bool
check_limit(struct service *service, struct arena *arena, struct admission *admission,
			struct problem *problem)
{
	bool		opens_session = admission->route->access == ACCESS_ANYONE;
	const char *who;

	if (admission->route->builtin != BUILTIN_NONE && admission->route->builtin != BUILTIN_LIVE)
		return true;
	admission->limit_name = opens_session ? "sessions" : "address";
	if (admission->user_id != 0 && !opens_session)
	{
		admission->limit_name = "user";
		who = arena_printf(arena, "user %lld", (long long) admission->user_id);
	}
	else
		who = admission->group;
	if (who == NULL)
	{
		problem_set(problem, 503, "out_of_memory", "The server is out of memory.");
		return false;
	}
	if (limit_take(service->limits, opens_session ? LIMIT_SESSIONS : LIMIT_REQUESTS, who,
				   loop_now(service->loop), &admission->limit))
		return true;
	counter_add(&service->metrics->limited[opens_session ? METRICS_LIMIT_SESSIONS : admission->user_id != 0
										   ? METRICS_LIMIT_USER : METRICS_LIMIT_ADDRESS], 1);
	problem_set(problem, 429, "too_many_requests", "Too many requests. Wait a little.");
	problem->retry_after = (int) admission->limit.reset;
	return false;
}

/* Is there a type of answer that the client takes? Problems are told in any case. */
static bool
choose_type(const struct request_head *head, struct admission *admission, struct problem *problem)
{
	enum catalog_shape shape = admission->route->shape;
	bool		has_json = shape != SHAPE_CSV;
	bool		has_csv = shape == SHAPE_CSV || shape == SHAPE_REPORT;
	int			json = has_json ? accept_weight(head->accept, "application/json") : 0;
	int			csv = has_csv ? accept_weight(head->accept, "text/csv") : 0;

	admission->wants_csv = shape == SHAPE_REPORT && csv > json;
	admission->wants_page = shape == SHAPE_FORM && wants_page(head);
	if (json > 0 || csv > 0 || catalog_gives_nothing(admission->route) || shape == SHAPE_TEXT ||
		shape == SHAPE_IMAGE || shape == SHAPE_PAGE)
		return true;
	problem_set(problem, 406, "not_acceptable", !has_csv ? "The answer is application/json."
				: has_json ? "The answer is application/json or text/csv." : "The answer is text/csv.");
	return false;
}

/* Documents and pictures are long: only a few are held at once. */
static bool
take_slot(struct service *service, struct admission *admission, struct problem *problem)
{
	bool		is_image = admission->route->takes_image;
	size_t	   *slots = is_image ? &service->images : &service->documents;

	if (!is_image && admission->route->document < 0)
		return true;
	if (*slots >= (is_image ? IMAGES_MAX : DOCUMENTS_MAX))
	{
		problem_set(problem, 503, "overloaded", is_image ? "The server is busy with other pictures."
					: "The server is busy with other imports.");
		problem->retry_after = 5;
		return false;
	}
	(*slots)++;
	admission->slots = slots;
	return true;
}

void
admit_note(const struct service *service, const struct request_head *head,
		   struct admission *admission)
{
	*admission = (struct admission) {
		.id = is_sane_id(head->request_id) ? head->request_id : admission->id,
		.address = head->peer,
		.group = head->group,
		.origin = known_origin(service->config, head->origin),
	};
}

bool
admit(struct service *service, const struct request_head *head, struct arena *arena,
	  struct target *target, struct admission *admission, struct problem *problem)
{
	admit_note(service, head, admission);
	if (strcmp(head->method, "OPTIONS") == 0 && strcmp(head->target, "*") == 0)
	{
		admission->is_options = true;
		admission->allowed = (1u << METHOD_COUNT) - 1;
		return true;
	}
	if (!target_parse(head->target, target, arena, problem) ||
		!find_route(service, head, target, admission, problem))
		return false;
	if (admission->is_options || admission->file != NULL)
		return true;
	/* a bad token counts against the address, so that guessing is limited too */
	if (!find_viewer(service, head, arena, admission, problem))
	{
		struct problem limited;

		if (!check_limit(service, arena, admission, &limited))
			*problem = limited;
		return false;
	}
	return check_limit(service, arena, admission, problem) &&
		choose_type(head, admission, problem) &&
		take_slot(service, admission, problem);
}

/* May a parameter of this length stand behind a type? A charset must be UTF-8. */
static bool
is_known_parameter(const char *parameter, size_t length)
{
	static const char *const known[] = {
		"charset=utf-8", "charset=\"utf-8\"", "header=present", "header=absent",
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (strlen(known[i]) == length && strncasecmp(parameter, known[i], length) == 0)
			return true;
	return false;
}

/* Is this Content-Type the one wanted, in UTF-8 if it says a charset? */
static bool
is_type(const char *type, const char *wanted)
{
	size_t		length = strlen(wanted);

	if (type == NULL || strncasecmp(type, wanted, length) != 0)
		return false;
	type += length;
	type += strspn(type, " \t");
	while (*type == ';')
	{
		type += 1 + strspn(type + 1, " \t");
		length = strcspn(type, "; \t");
		if (!is_known_parameter(type, length))
			return false;
		type += length;
		type += strspn(type, " \t");
	}
	return *type == '\0';
}

static bool
needs_body(const struct catalog_route *route)
{
	if (route->takes_image || route->takes_notification)
		return true;
	for (size_t i = 0; i < route->param_count; i++)
		if (route->params[i].required && (route->params[i].source == SOURCE_BODY ||
										  route->params[i].source == SOURCE_DOCUMENT))
			return true;
	return false;
}

bool
admit_ignores_body(const struct catalog_route *route, const struct request_head *head)
{
	return !route->reads_body && route->document < 0 && route->access != ACCESS_USER &&
		is_type(head->content_type, "application/x-www-form-urlencoded");
}

bool
admit_body(const struct catalog_route *route, const struct request_head *head,
		   size_t length, struct problem *problem)
{
	bool		is_document = route->document >= 0;
	bool		is_image = route->takes_image && image_type(head->content_type) != NULL;

	if (length > 0 && !is_image && !is_type(head->content_type, is_document ? "text/csv" : "application/json"))
		problem_set(problem, 415, "unsupported_media_type", is_document
					? "The body must be text/csv in UTF-8."
					: route->takes_image ? "The body must be image/png, image/jpeg, image/gif or image/webp, or "
					"application/json in UTF-8."
					: "The body must be application/json in UTF-8.");
	else if (length > 0 || !needs_body(route))
		return true;
	else if (!head->announces_body)
		problem_set(problem, 411, "length_required", "This needs a body.");
	else
		problem_set(problem, 400, is_document || is_image || route->takes_notification
					? "empty_body" : "malformed_json", "The body is empty.");
	return false;
}

char *
admit_allow(unsigned allowed, struct arena *arena)
{
	struct text text = {0};
	char	   *allow = NULL;

	for (int i = 0; i < METHOD_COUNT; i++)
	{
		if (!(allowed & 1u << i))
			continue;
		text_add(&text, catalog_method_name((enum catalog_method) i));
		text_add(&text, i == METHOD_GET ? ", HEAD, " : ", ");
	}
	text_add(&text, "OPTIONS");
	if (!text.failed)
		allow = arena_copy(arena, text.data, text.length);
	text_free(&text);
	return allow;
}

const char *
admission_path(const struct admission *admission)
{
	return admission->route != NULL ? admission->route->path : NULL;
}
