/*
 * builtin.c - answers of the proxy's own (see builtin.h).
 */
#include "builtin.h"

#include "scrape.h"
#include "statement.h"

const struct db_statement builtin_ready_statement = {.id = STATEMENT_READY, .sql = "SELECT 1"};

void
builtin_answer(struct answer *answer, const struct service *service, enum catalog_builtin builtin)
{
	static const char alive[] = "{\"status\":\"ok\"}";
	static const char ready[] = "{\"status\":\"ready\"}";

	switch (builtin)
	{
		case BUILTIN_OPENAPI:
			answer_set_rendered(answer, 200, service->openapi);
			break;
		case BUILTIN_METRICS:
			answer->status = 200;
			scrape(service->scraped, &answer->body);
			answer_add_header(answer, "Content-Type", SCRAPE_TYPE);
			break;
		case BUILTIN_READYZ:
			answer_set_json(answer, 200, ready, sizeof ready - 1);
			break;
		default:
			answer_set_json(answer, 200, alive, sizeof alive - 1);
			break;
	}
}

const char *
builtin_unready(const struct service *service, const struct db_result *result)
{
	bool		answers = result != NULL && db_result_outcome(result) == DB_OK;

	if (!answers || !lane_is_up(service->lanes[LANE_WRITE]) || !lane_is_up(service->lanes[LANE_LOGIN]))
		return "The database does not answer.";
	if (service->redis_is_up != NULL && !service->redis_is_up(service->redis))
		return "Redis does not answer.";
	if (atomic_load(service->unready) > 0)
		return "Another worker has no connection yet.";
	return NULL;
}
