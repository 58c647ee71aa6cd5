#compdef waldur-usage
# Completions of waldur-usage for zsh: put this as _waldur-usage into a folder of your fpath, or, below
# compinit: source <(waldur-usage completions zsh)
_waldur_usage() {
    local -a asked lines values shown
    local line
    asked=("${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}")
    lines=("${(@f)$(command waldur-usage complete zsh -- "${asked[@]}" 2>/dev/null </dev/null)}")
    if [[ ${lines[1]} == files ]]; then
        _files
        return
    fi
    for line in "${(@)lines[2,-1]}"; do
        values+=("${line%%$'\t'*}")
        if [[ $line == *$'\t'* ]]; then
            shown+=("${line%%$'\t'*}  -- ${line#*$'\t'}")
        else
            shown+=("$line")
        fi
    done
    ((${#values})) || return 1
    compadd -l -V waldur-usage -d shown -- "${values[@]}"
}
if [[ ${funcstack[1]} == _waldur-usage ]]; then
    _waldur_usage "$@"
else
    compdef _waldur_usage waldur-usage
fi
