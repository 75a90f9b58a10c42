"""`remediator completion SHELL`: the script by which a shell completes what is typed."""

from __future__ import annotations

import click

# Each hands over the line up to the cursor, and gets lines back: `plain` or `file`, a tab, the word, a tab, what it is.
# What goes wrong while somebody types is nobody's business: no script lets standard error through, or asks anything.
_BASH = r"""# bash completion for remediator
_remediator_completion() {
    local program kind word help
    program=$(type -P "${1/#\~/$HOME}" || type -P remediator) || return
    COMPREPLY=()
    while IFS=$'\t' read -r kind word help; do
        if [[ $kind == file ]]; then
            compopt -o default 2>/dev/null
        else
            COMPREPLY+=("$word")
        fi
    done < <(_REMEDIATOR_COMPLETE=bash _REMEDIATOR_LINE=${COMP_LINE:0:$COMP_POINT} \
        _REMEDIATOR_BREAKS=$COMP_WORDBREAKS "$program" 2>/dev/null </dev/null)
}
complete -o nosort -F _remediator_completion remediator 2>/dev/null ||
    complete -F _remediator_completion remediator
"""

_ZSH = r"""#compdef remediator
_remediator_completion() {
    local kind word help line="${(j: :)words[1,CURRENT-1]} $PREFIX"
    local -a found
    while IFS=$'\t' read -r kind word help; do
        if [[ $kind == file ]]; then
            _files
        else
            found+=("${word//:/\\:}${help:+:$help}")
        fi
    done < <(_REMEDIATOR_COMPLETE=zsh _REMEDIATOR_LINE=$line command remediator 2>/dev/null </dev/null)
    (( $#found )) && _describe -V remediator found -U
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _remediator_completion "$@"
else
    compdef _remediator_completion remediator
fi
"""

_FISH = r"""# fish completion for remediator
function _remediator_completion
    set -lx _REMEDIATOR_COMPLETE fish
    set -lx _REMEDIATOR_LINE (commandline -cp | string collect)
    for line in (command remediator 2>/dev/null </dev/null)
        set -l fields (string split \t -- $line)
        if test "$fields[1]" = file
            __fish_complete_path (commandline -ct)
        else
            printf '%s\t%s\n' $fields[2] "$fields[3]"
        end
    end
end
complete --command remediator --no-files --arguments '(_remediator_completion)'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SCRIPTS)))
def command(shell: str) -> None:
    """Print the script by which a shell completes commands, flags and live names. Changes nothing.

    Names are asked of the cluster that the line names, for 2 seconds at most (REMEDIATOR_COMPLETION_SECONDS: more,
    where a login takes longer). `kubectl remediator` is completed by kubectl's own script, which needs nothing of this.

    \b
    bash, in ~/.bashrc:
      source <(remediator completion bash)
    zsh, in ~/.zshrc, after compinit:
      source <(remediator completion zsh)
    fish:
      remediator completion fish >~/.config/fish/completions/remediator.fish
    """
    click.echo(SCRIPTS[shell], nl=False)
