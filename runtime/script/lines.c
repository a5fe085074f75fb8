/* Who wants to know which lines of a flow run: `almon test --coverage`. */
#include "script/private.h"

static struct {
    script_line_h *h;
    void *arg;
} watch;

void script_watch_lines(script_line_h *h, void *arg)
{
    watch.h = h;
    watch.arg = arg;
}

int lines_mask(void)
{
    return watch.h != NULL ? LUA_MASKLINE : 0;
}

void lines_tell(lua_State *L, lua_Debug *ar)
{
    if (watch.h != NULL && lua_getinfo(L, "S", ar) && ar->source[0] == '@')
        watch.h(ar->source + 1, ar->currentline, watch.arg);
}
