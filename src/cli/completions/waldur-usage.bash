# Completions of waldur-usage for bash: eval "$(waldur-usage completions bash)"
_waldur_usage() {
    local kind='' line
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $kind ]]; then
            kind=$line
        else
            COMPREPLY+=("$line")
        fi
    done < <(command waldur-usage complete bash -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null </dev/null)
    if [[ $kind == files ]]; then
        compopt -o default 2>/dev/null
    fi
}
if ((BASH_VERSINFO[0] > 4 || BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 4)); then
    complete -o nosort -F _waldur_usage waldur-usage
elif ((BASH_VERSINFO[0] == 4)); then
    complete -F _waldur_usage waldur-usage
else
    complete -o default -F _waldur_usage waldur-usage
fi
